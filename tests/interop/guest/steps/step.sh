# The assertion of the scenarios:
#
#   step EXIT PATTERN COMMAND…
#
# runs COMMAND (a program or a function of the shell) and expects that it ends with EXIT (a number; "fails" for any
# number but 0; "any") and that what it prints on both outputs together matches the extended regular expression
# PATTERN ("-" for whatever it prints; "!PATTERN" where nothing may match). One line a step goes to the results; with
# a step that went otherwise, what it printed; with a slow one, how long it took. A program gets a minute.
#
#   also PATTERN
#
# expects the same of what the step before printed, without running it again.
#
# A scenario goes on after a step that went otherwise, so that one run shows all of them; "need" in place of "step"
# ends the scenario, for steps without which the rest says nothing.

step_limit=60

step_clock() { cut -d. -f1 /proc/uptime; }

# Puts the exit status into $step_status and what was printed into $step_output.
step_run() {
  step_began=$(step_clock)
  case $(command -v "$1") in
    /*) timeout "$step_limit" "$@" >"$SCRATCH/step" 2>&1 </dev/null ;;
    *) "$@" >"$SCRATCH/step" 2>&1 </dev/null ;;
  esac
  step_status=$?
  step_took=$(($(step_clock) - step_began))
  step_output=$(tr -d '\000' <"$SCRATCH/step")
}

step_exit_fits() {
  case $1 in
    any) ;;
    fails) [ "$step_status" -ne 0 ] && [ "$step_status" -ne 124 ] ;;
    *) [ "$step_status" -eq "$1" ] ;;
  esac
}

step_output_fits() {
  case $1 in
    -) ;;
    !*) ! printf '%s\n' "$step_output" | grep -Eaq -e "${1#!}" ;;
    *) printf '%s\n' "$step_output" | grep -Eaq -e "$1" ;;
  esac
}

step() {
  step_exit=$1 step_pattern=$2
  shift 2
  step_command=$*
  step_run "$@"
  step_judge
}

also() {
  step_pattern=$1 step_took=0
  step_judge
}

step_judge() {
  if step_exit_fits "$step_exit" && step_output_fits "$step_pattern"; then
    step_line="ok     $step_command"
    [ "$step_pattern" = - ] || step_line="$step_line -> $step_pattern"
    [ "$step_took" -lt 5 ] || step_line="$step_line ($step_took s)"
    printf '%s\n' "$step_line" >&7
    return 0
  fi
  {
    printf '%s\n' "FAILED $step_command" \
      "    expected exit $step_exit, output $step_pattern; exit was $step_status, output:"
    printf '%s\n' "$step_output" | head -n 16 | sed 's/^/    | /'
  } >&7
  return 1
}

need() { step "$@" || { echo "    the scenario ends here" >&7; exit 1; }; }
