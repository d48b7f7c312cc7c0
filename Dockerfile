# Everything set up: simulators, proofs, synthesis, the site.
#
#     docker build -t ttpoe .
#     docker run --rm -it ttpoe make sim TEST=hello
#     docker run --rm -it -v "$PWD:/ttpoe/work" -w /ttpoe/work ttpoe bash     # a checkout of your own
#
# A live wire on a TAP needs more: --cap-add NET_ADMIN --device /dev/net/tun.
FROM debian:12
RUN apt-get update && export DEBIAN_FRONTEND=noninteractive \
    && apt-get install -y --no-install-recommends \
        git g++ make perl python3 python3-venv libpython3-dev liblz4-dev zlib1g-dev \
        iverilog gtkwave tshark \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /ttpoe
COPY . .
RUN make setup && for extra in formal synth docs check; do sh sim/tools/setup.sh $extra || exit 1; done
CMD ["make", "help"]
