#!/bin/sh
# The library as others use it: installed, found by pkg-config, linked shared and static, removed
# again without a trace.
. "${GR_SOURCE:-.}/tests/scripts/lib.sh"
. "$GR_SOURCE/tests/scripts/build.sh"

command -v pkg-config >/dev/null 2>&1 || skip "no pkg-config"
prefix=$LONG/prefix
rm -rf "$prefix"
another_build install --prefix="$prefix" --enable-static
make install >install.log 2>&1 || build_failed "make install" install.log

PKG_CONFIG_PATH=$prefix/lib/pkgconfig
export PKG_CONFIG_PATH
cat >user.c <<'END'
#include <gradus/gradus.h>
#include <gradus/recipe.h>
#include <stdio.h>
int main(void) {
  gradus_error error;
  gradus_recipe *recipe;
  if (gradus_recipe_create(NULL, &recipe, &error) != GRADUS_OK) return 1;
  gradus_recipe_destroy(recipe);
  return puts(gradus_version()) < 0;
}
END

# links NAME COMMAND...: the command makes ./NAME, which says the version.
links() {
  name=$1
  shift
  if "$@" >"$name.log" 2>&1 && [ "$("./$name")" = "$(pkg-config --modversion gradus)" ]; then
    pass
  else
    cat "$name.log"
    fail "$name: $*"
  fi
}

flags=$(pkg-config --cflags gradus)
# shellcheck disable=SC2046,SC2086
links shared cc -Werror -Wall user.c -o shared $flags $(pkg-config --libs gradus) "-Wl,-rpath,$prefix/lib"
# shellcheck disable=SC2046,SC2086
links static cc user.c -o static $flags -Wl,-Bstatic -lgradus -Wl,-Bdynamic \
  -L"$prefix/lib" $(pkg-config --static --libs gradus | sed 's/-lgradus//')
if command -v g++ >/dev/null 2>&1; then
  cp user.c user.cc
  # shellcheck disable=SC2046,SC2086
  links cplusplus g++ -Wall user.cc -o cplusplus $flags $(pkg-config --libs gradus) "-Wl,-rpath,$prefix/lib"
fi
if "$prefix/bin/gradus" --version >/dev/null; then pass; else fail "the installed program"; fi

make install DESTDIR="$LONG/destdir" >destdir.log 2>&1 || build_failed "make install DESTDIR" destdir.log
judge "DESTDIR" "$(find "$LONG/destdir" -type f ! -path "$LONG/destdir$prefix/*")"
rm -rf "$LONG/destdir"
make uninstall >uninstall.log 2>&1 || build_failed "make uninstall" uninstall.log
judge "make uninstall" "$(find "$prefix" ! -type d)"
finish
