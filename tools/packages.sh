# shellcheck shell=bash
# Debian packages that migscope is built, run, checked and fuzzed with; sourced
# by tools/quickstart, tools/check and tools/fuzz.

# shellcheck disable=SC2034 # used by the scripts that source this
BUILD_PACKAGES="g++ meson ninja-build pkg-config libjson-c-dev libuv1-dev
    libsimdjson-dev libzstd-dev zlib1g-dev liblzma-dev libfmt-dev
    libexpected-dev libxxhash-dev libcli11-dev libcsv-dev libjs-chart.js
    libncurses-dev libmicrohttpd-dev libtomlplusplus-dev libsqlite3-dev libpcap-dev
    doctest-dev scdoc"
# shellcheck disable=SC2034
RUN_PACKAGES="qemu-system-x86"
# shellcheck disable=SC2034
CHECK_PACKAGES="clang-format-14 shellcheck python3 zstd xz-utils bzip2
    libvirt-daemon libvirt-daemon-driver-qemu libvirt-clients
    libvirt-clients-qemu nbdkit iproute2 qemu-utils jq xxd zsh fish tmux prometheus sqlite3
    chromium chromium-driver python3-selenium python3-jsonschema tshark"
# shellcheck disable=SC2034
FUZZ_PACKAGES="clang-14 llvm-14 libclang-rt-14-dev"

# need PACKAGE...: installs what is missing; says so where it cannot.
need() {
    local package missing=()
    for package in "$@"; do
        dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null |
            grep -qx installed || missing+=("$package")
    done
    [ ${#missing[@]} -eq 0 ] && return 0
    if [ "$(id -u)" -ne 0 ]; then
        echo "These packages are missing; install them as root with" >&2
        echo "    apt-get install --no-install-recommends ${missing[*]}" >&2
        return 1
    fi
    echo "installing ${missing[*]}" >&2
    apt-get update -qq >&2 &&
        DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -qq -y \
            --no-install-recommends "${missing[@]}" >&2
}
