# shellcheck shell=bash
# What scripts that install Debian packages share; sourced, after `say` is defined.

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    say "packages are missing, and there is neither root nor sudo to install them: $*"
    exit 1
  fi
}

# Where this machine has a release from, so that its mirror and its key serve for the other suites too.
archive() {
  # shellcheck disable=SC2016
  apt-get indextargets --format '$(REPO_URI) $(CODENAME) $(COMPONENT) $(SIGNED_BY)' |
    awk -v codename="$1" '$2 == codename && $3 == "main" {
      print ($4 ~ /^\// ? "[signed-by=" $4 "] " : "") $1
      exit
    }'
}
