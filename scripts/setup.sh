# What ./check and ./demo share: finds what is missing, installs it after asking, builds in the source tree.
# Sourced by them with the current directory at the top of the tree; POSIX sh, Debian and Ubuntu.

assume_yes=no
setup_log=setup.log

say() { printf '%s\n' "$*"; }
die() { printf '%s\n' "${0##*/}: $*" >&2; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }
have_module() { have pkg-config && pkg-config --exists "$1"; }

# Whether anybody can answer a question.
may_ask() { [ "$assume_yes" = no ] && [ -t 0 ] && [ -t 1 ]; }

can_compile() { # a compiler without libc's headers (a bare gcc package) is none
  setup_try=$(mktemp -d) || return 1
  printf '#include <stdio.h>\nint main(void) { return puts("") < 0; }\n' >"$setup_try/a.c"
  setup_ok=1
  for setup_cc in ${CC:+"$CC"} gcc cc; do
    # shellcheck disable=SC2086
    if have "${setup_cc%% *}" && $setup_cc -o "$setup_try/a" "$setup_try/a.c" >/dev/null 2>&1; then setup_ok=0; break; fi
  done
  rm -rf "$setup_try"
  return $setup_ok
}

# missing_packages [cunit]: Debian packages that the build lacks. A release archive brings configure, so no Autotools.
missing_packages() {
  can_compile || echo gcc libc6-dev
  have make || echo make
  have pkg-config || echo pkg-config
  if [ ! -x configure ]; then
    have autoconf || echo autoconf
    have automake || echo automake
    have libtoolize || echo libtool
  fi
  have_module hdf5-serial || have_module hdf5 || have_module hdf5-openmpi || have_module hdf5-mpich ||
    have h5cc || have h5pcc || echo libhdf5-dev
  have_module yaml-0.1 || echo libyaml-dev
  have_module libxxhash || echo libxxhash-dev
  have_module zlib || echo zlib1g-dev
  have_module liblz4 || echo liblz4-dev # these two: to read data sets compressed with them
  have_module libzstd || echo libzstd-dev
  [ "$1" != cunit ] || have_module cunit || echo libcunit1-dev
}

# Runs a stage with its output in the log; shows the end of it when it fails.
stage() {
  stage_name=$1
  shift
  printf '%s ... ' "$stage_name"
  stage_start=$(date +%s)
  if "$@" >>"$setup_log" 2>&1 </dev/null; then
    say "$(($(date +%s) - stage_start)) s"
  else
    say "failed. The end of $setup_log:"
    tail -n 40 "$setup_log"
    exit 1
  fi
}

install_packages() {
  if [ "$(id -u)" = 0 ]; then as_root=; else as_root=sudo; fi
  if ! have apt-get || { [ -n "$as_root" ] && ! have sudo; }; then
    say "Install these (Debian's names), as root, and run me again:"
    say "  apt-get install $*"
    exit 1
  fi
  say "Missing packages: $*"
  if may_ask; then
    printf 'Install them now with %sapt-get? [Y/n] ' "${as_root:+sudo }"
    read -r answer || answer=n
    case $answer in
      '' | [Yy]*) ;;
      *) say "Then install them yourself: apt-get install $*"; exit 1 ;;
    esac
    [ -z "$as_root" ] || sudo -v || die "sudo did not let us: as root, apt-get install $*"
  elif [ -n "$as_root" ]; then
    sudo -n true 2>/dev/null || die "sudo wants a password and nobody can give it: as root, apt-get install $*"
  fi
  stage "asking apt for its lists" $as_root apt-get update -q
  stage "installing" $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$@"
}

# set_up [cunit]: everything from a fresh tree to built programs. A tree that is configured already is left as it is: make
# knows what to do again.
set_up() {
  : >"$setup_log"
  # shellcheck disable=SC2046
  set -- "${1:-}" $(missing_packages "${1:-}")
  setup_for=$1
  shift
  [ $# -eq 0 ] || install_packages "$@"
  [ -x configure ] || stage "making configure" ./bootstrap
  if [ ! -f Makefile ]; then
    stage "configuring" ./configure
  elif [ "$setup_for" = cunit ] && grep -q '^S\["HAVE_CUNIT_FALSE"\]=""' config.status; then
    stage "configuring again, now with CUnit" sh -c './config.status --recheck && ./config.status'
  fi
  stage "building" make -j"$(nproc)"
}
