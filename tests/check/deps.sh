#!/bin/sh
# tests/check/deps.sh GROUP BUILD PYTHON - makes sure that what GROUP (build, fuzz or mpi) needs is there: installs it with
# apt where that is possible, otherwise says what to install. Does nothing, and needs no network, when all is there.
set -eu
group=$1
build=$2
python=$3

# group  probe            Debian             Fedora              Homebrew   (- : part of the system)
needs='
build    cmd:cc           gcc                gcc                 -
build    cmd:c++          g++                gcc-c++             -
build    cmd:pkg-config   pkg-config         pkgconf-pkg-config  pkgconf
build    pkg:openblas     libopenblas-dev    openblas-devel      openblas
build    pkg:lapacke      liblapacke-dev     lapack-devel        lapack
build    pkg:check        check              check-devel         check
build    pkg:jansson      libjansson-dev     jansson-devel       jansson
build    pkg:zlib         zlib1g-dev         zlib-devel          zlib
build    pkg:libpcre2-8 libpcre2-dev    pcre2-devel         pcre2
build    pkg:libutf8proc libutf8proc-dev utf8proc-devel     utf8proc
build    pkg:clp          coinor-libclp-dev  coin-or-Clp-devel   clp
build    cmd:gnuplot      gnuplot-nox        gnuplot             gnuplot
build    cmd:python3      python3            python3             python
build    cmd:cmake        cmake              cmake               cmake
build    cmd:valgrind     valgrind,libc6-dbg valgrind            -
fuzz     cmd:clang        clang              clang               llvm
fuzz     lib:fuzzer       LIBCLANG_RT        compiler-rt         -
mpi      pkg:ompi-c       libopenmpi-dev     openmpi-devel       open-mpi
mpi      cmd:mpirun       openmpi-bin        openmpi             open-mpi
mpi      pkg:scalapack-openmpi libscalapack-openmpi-dev scalapack-openmpi-devel scalapack
mpi      pkg:elpa         libelpa-dev        elpa-openmpi-devel  elpa
mpi      cmd:ip           iproute2           iproute             -
'

have() {
    case $1 in
    cmd:*) command -v "${1#cmd:}" > /dev/null 2>&1 ;;
    pkg:*) pkg-config --exists "${1#pkg:}" 2> /dev/null ;;
    lib:fuzzer) # clang links the runtime only when it was installed with it
        echo 'int LLVMFuzzerTestOneInput(const char *d, unsigned long n) { return d && n ? 0 : 0; }' |
            clang -fsanitize=fuzzer,address -x c - -o /dev/null 2> /dev/null ;;
    esac
}

missing() { # COLUMN: the packages of all probes that fail
    echo "$needs" | while read -r of probe debian fedora brew; do
        if [ "$of" != "$group" ] || have "$probe"; then continue; fi
        case $1 in debian) echo "$debian" ;; fedora) echo "$fedora" ;; brew) echo "$brew" ;; esac
    done | grep -vx -- - | tr ',\n' '  '
}

have_numpy() { "$1" -c 'import numpy' 2> /dev/null; }

# Debian's numpy serves Debian's Python only; any other Python gets a virtual environment below.
uses_debians_python() {
    case $(command -v "$python" || echo /usr/bin/python3) in /usr/bin/*) return 0 ;; *) return 1 ;; esac
}

numpy_is_there() {
    [ "$group" != build ] || have_numpy "$build/venv/bin/python" || have_numpy "$python"
}

apt_install() { # PACKAGE...
    if [ "$(id -u)" -eq 0 ]; then as_root=; else as_root='sudo -n'; fi
    echo "installing $*"
    $as_root apt-get update -qq &&
        $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" > /dev/null
}

can_apt() {
    command -v apt-get > /dev/null 2>&1 && { [ "$(id -u)" -eq 0 ] || sudo -n true 2> /dev/null; }
}

# The runtime's package carries clang's version in its name.
with_versions() {
    version=$(clang -dumpversion 2> /dev/null | cut -d. -f1)
    if [ -z "$version" ]; then
        version=$(apt-cache depends clang 2> /dev/null | sed -n 's/.*Depends: clang-\([0-9]*\)$/\1/p')
    fi
    echo "$1" | sed "s/LIBCLANG_RT/libclang-rt-${version:-14}-dev/"
}

packages=$(with_versions "$(missing debian)")
if ! numpy_is_there && uses_debians_python; then packages="$packages python3-numpy"; fi

if [ -n "$(echo "$packages" | tr -d ' ')" ]; then
    if can_apt; then
        apt_install $packages
    else
        echo 'missing packages; install them, then run this again:' >&2
        echo "  Debian, Ubuntu: sudo apt-get install $packages" >&2
        echo "  Fedora:         sudo dnf install $(missing fedora)$(numpy_is_there || echo python3-numpy)" >&2
        echo "  macOS:          brew install $(missing brew)$(numpy_is_there || echo numpy)" >&2
        exit 1
    fi
fi

if ! numpy_is_there; then
    echo "installing numpy for $(command -v "$python") in $build/venv"
    mkdir -p "$build"
    "$python" -m venv "$build/venv" && "$build/venv/bin/pip" install -q --disable-pip-version-check numpy || {
        echo "numpy is missing: $python -m pip install numpy" >&2
        exit 1
    }
fi
