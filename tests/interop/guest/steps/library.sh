# What the scenarios share: sessions with the target, the names of its devices, tapes in drives, blocks that tell
# where they lie.
#
# Expected of the target ($PORTAL, $IQN, with $CHAP_USER and $CHAP_PASSWORD where it asks for them): one changer and
# two drives, in the order of their elements; cartridges that may be overwritten in the slots 1 to 4, slots 7 and 8
# empty, drives empty. A scenario leaves it like that.

# --- sessions

# The interface of open-iscsi decides as which initiator we come: "default" or "second".
node() { iscsiadm -m node -T "$IQN" -p "$PORTAL" -I "${interface:-default}" "$@"; }

set_node() { node -o update -n "$1" -v "$2"; }

with_chap() {
  [ -n "$CHAP_USER" ] || return 0
  set_node node.session.auth.authmethod CHAP
  set_node node.session.auth.username "$CHAP_USER"
  set_node node.session.auth.password "${1:-$CHAP_PASSWORD}"
  [ -n "$CHAP_USER_IN" ] || return 0
  set_node node.session.auth.username_in "$CHAP_USER_IN"
  set_node node.session.auth.password_in "$CHAP_PASSWORD_IN"
}

# Runs COMMAND until it succeeds, for $soon_limit seconds (20 unless set) at most.
soon() {
  soon_end=$(($(step_clock) + ${soon_limit:-20}))
  until "$@"; do
    [ "$(step_clock)" -lt "$soon_end" ] || { echo "not within ${soon_limit:-20} seconds: $*"; return 1; }
    sleep 0.2
  done
}

device_count() { [ "$(lsscsi | grep -Ec " (mediumx|tape) ")" -eq "$1" ]; }

# --- devices

# Sets CHANGER, TAPE0, TAPE1 (the drives through st, which does not rewind at close) and SG0, SG1 (the same drives
# through sg) to the devices of the first session, or of the N-th.
devices_of_session() {
  hosts=$(lsscsi | awk '$2 == "mediumx" { print substr($1, 2) }' | cut -d: -f1 | sort -n)
  host=$(echo "$hosts" | sed -n "${1:-1}p")
  lsscsi -g | grep "^\[$host:" >"$SCRATCH/devices"
  CHANGER=$(awk '$2 == "mediumx" { print $NF }' "$SCRATCH/devices")
  SG0=$(awk '$2 == "tape" { print $NF }' "$SCRATCH/devices" | sed -n 1p)
  SG1=$(awk '$2 == "tape" { print $NF }' "$SCRATCH/devices" | sed -n 2p)
  TAPE0=$(awk '$2 == "tape" { print $(NF - 1) }' "$SCRATCH/devices" | sed -n '1s|/dev/|/dev/n|p')
  TAPE1=$(awk '$2 == "tape" { print $(NF - 1) }' "$SCRATCH/devices" | sed -n '2s|/dev/|/dev/n|p')
  [ -n "$CHANGER" ] && [ -n "$TAPE0" ] && [ -n "$TAPE1" ]
}

# --- cartridges

load() { mtx -f "$CHANGER" load "$1" "$2"; }
unload() { mtx -f "$CHANGER" unload "$1" "$2"; }
ready() { soon sg_turs "$1"; }

# A cartridge into drive 0, at its beginning, blocks of any length.
mount_slot() {
  need 0 - load "$1" 0
  need 0 - ready "$SG0"
  need 0 - mt -f "$TAPE0" rewind
  need 0 - mt -f "$TAPE0" setblk 0
}

unmount_slot() {
  step 0 - mt -f "$TAPE0" rewoffl
  step 0 - unload "$1" 0
}

# For programs that leave a cartridge in the drive that they used last: out of drive 0 or 1 into its slot, if there
# is one.
slot_of_drive() { mtx -f "$CHANGER" status | sed -n "s/.*Element $1:Full (Storage Element \([0-9]*\) Loaded).*/\1/p"; }
empty_drive() {
  slot=$(slot_of_drive "$1")
  [ -n "$slot" ] || return 0
  if [ "$1" -eq 0 ]; then mt -f "$TAPE0" rewoffl; else mt -f "$TAPE1" rewoffl; fi && unload "$slot" "$1"
}
empty_drives() { empty_drive 0 && empty_drive 1; }

# --- blocks: block I of file F begins with "file F block I", so that what is read tells where the tape was

block() { printf 'file %s block %s\n' "$1" "$2" | dd bs="${3:-1024}" conv=sync status=none; }

# File F of N blocks; the kernel writes a filemark after it at close.
write_blocks() {
  for index in $(seq 0 $(($2 - 1))); do block "$1" "$index" "$3"; done | dd of="$TAPE0" bs="${3:-1024}" iflag=fullblock
}

# Prints what the next block says and how long it is; a filemark or the end of data reads as 0 bytes.
read_block() {
  dd if="$TAPE0" of="$SCRATCH/block" bs="${1:-65536}" count=1 || return
  echo "$(head -n 1 "$SCRATCH/block" | tr -d '\000')"
}

at_block() { mt -f "$TAPE0" tell; }

# Bytes that no drive can compress: N KiB, the same ones for the same NAME.
noise() { head -c "$(($2 * 1024))" /dev/urandom >"$1"; }

# --- the machine outside, where the target has an operator there

# Words of `tapewarden`, done by the engine's operator: prints what he was told, ends as the command did.
operator() {
  bash -c 'exec 3<>"/dev/tcp/$1/$2" && shift 2 && echo "$*" >&3 && cat <&3' bash \
    "${OPERATOR%:*}" "${OPERATOR#*:}" "$@" >"$SCRATCH/told"
  sed '$d' "$SCRATCH/told"
  return "$(sed -n '$s/^exit //p' "$SCRATCH/told" | grep . || echo 255)"
}
