#!/bin/sh
# The law of layers (src/README.md): a file includes its own layer and lower ranks; some headers and
# some calls belong to one place. Public headers hold no code: train and interop may fill the
# structures they declare, the layers below know of status codes only.
. "${GR_SOURCE:-.}/tests/scripts/lib.sh"

ranks="base=0 kernel=1 net=2 store=3 plan=3 comm=3 exec=4 train=5 interop=5 api=6 cli=7"

# Includes of one file: "line path" of quoted ones, "line <path>" of the others.
includes_of() {
  bare_code "$1" | sed -n \
    -e '/^ *# *include *"/{=;s/^ *# *include *"\([^"]*\)".*/\1/p;}' \
    -e '/^ *# *include *</{=;s/^ *# *include *\(<[^>]*>\).*/\1/p;}' | paste -d ' ' - -
}

check_includes() { # LAYER FILE
  includes_of "$GR_SOURCE/$2" | awk -v layer="$1" -v file="$2" -v ranks="$ranks" '
    BEGIN { n = split(ranks, r, /[ =]/); for (i = 1; i < n; i += 2) rank[r[i]] = r[i + 1] }
    function refuse(why) { print $1 ": " $2 ": " why }
    /</ {
      if ($2 ~ /^<hdf5/ && layer != "store") refuse("HDF5 belongs to store")
      if ($2 ~ /^<mpi/ && layer != "comm") refuse("MPI belongs to comm")
      if ($2 == "<omp.h>" && layer != "exec") refuse("OpenMP belongs to exec")
      if ($2 ~ /<(immintrin|x86intrin|emmintrin|arm_neon|arm_sve)[.]h>/ && file !~ /kernel\/simd\//)
        refuse("intrinsics belong to kernel/simd")
      if ($2 == "<cpuid.h>" && file != "src/base/cpu.c") refuse("cpuid belongs to base/cpu.c")
      if ($2 ~ /^<gradus\// && layer != "cli") refuse("public headers are \"gradus/...\" here")
      next
    }
    {
      if ($2 !~ /\//) { refuse("includes are written from src/"); next }
      other = $2; sub(/\/.*/, "", other)
      if (other == "gradus") {
        if (rank[layer] < 5 && $2 != "gradus/status.h") refuse("the public API is above this layer")
      } else if (!(other in rank)) refuse("no such layer")
      else if (layer == "cli" && other != "cli") refuse("the program sees only <gradus/...>")
      else if (other != layer && rank[other] >= rank[layer]) refuse("not below " layer)
    }'
}

# PATTERN  WHERE IT IS ALLOWED (regex on the path)  WHY, separated by tabs. `call` patterns are words
# followed by a parenthesis.
calls='malloc|calloc|realloc|free|posix_memalign|aligned_alloc|strdup|strndup|asprintf	src/(base/memory\.c|cli/)	memory comes from base/memory.h
printf|vprintf|puts|putchar|perror	src/(base/log\.c|cli/)	only the program prints
getenv|secure_getenv|setenv|putenv	src/(base/cpu\.c|kernel/select\.c|cli/)	the environment is read in three places
exit|_exit|quick_exit|abort|atexit	src/cli/	the library never ends its host
signal|sigaction|sigprocmask	src/(cli/|api/api_tool)	signals belong to the program
setlocale|fesetenv|fesetround	src/(cli/|exec/)	process- and thread-wide settings
strtok|rand|srand|random|drand48|gmtime|localtime|asctime|ctime	nowhere	hidden state
alloca|sprintf|strcpy|strcat|gets|vsprintf	nowhere	no bound
atof|atoi|strtod|strtof|scanf	src/(base/text\.c|cli/number\.c)	numbers are read by base/text.h, without locale
exp|expf|exp2|exp2f|expm1|log|logf|log2|log2f|log10|log1p|pow|powf|tanh|tanhf|sinh|cosh|sin|sinf|cos|cosf|tan|erf|erff|erfc|cbrt|hypot|tgamma|lgamma	src/cli/	libm differs between versions: base/elementary.h'

check_calls() { # FILE
  bare_code "$GR_SOURCE/$1" | awk -v file="$1" -v calls="$calls" '
    BEGIN { n = split(calls, row, "\n")
            for (i = 1; i <= n; i++) { split(row[i], c, "\t"); word[i] = c[1]; where[i] = c[2]; why[i] = c[3] } }
    { for (i = 1; i <= n; i++)
        if (file !~ where[i] && match($0, "(^|[^A-Za-z0-9_.>])(" word[i] ") *[(]"))
          print NR ": " substr($0, RSTART, RLENGTH) ": " why[i] }
    /(^|[^A-Za-z0-9_])(stdout|stderr)([^A-Za-z0-9_]|$)/ && file !~ /src\/(base\/log\.c|cli\/)/ {
      print NR ": only the program prints" }
    /# *pragma +omp/ && file !~ /src\/exec\// { print NR ": OpenMP belongs to exec" }
    /reduction *[(] *[+]/ { print NR ": sums in the order of threads change bits" }'
}

for file in $(c_files src); do
  layer=${file#src/}
  layer=${layer%%/*}
  judge "$file" "$(check_includes "$layer" "$file"; check_calls "$file")"
done
finish
