// TTP for ns-3: include this one. examples/ns3 has a program.
#pragma once

#include "ttp-helper.h"
