// What a native program found wrong.
#pragma once

#include <string>

namespace ttp {

struct Failure {
    std::string text;
};

}  // namespace ttp
