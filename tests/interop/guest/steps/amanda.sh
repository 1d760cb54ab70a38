# Amanda in one guest: server and client side by side, without inetd (auth "local"), as the user backup whom its
# programs insist on. For scenarios that source it, with the devices of a session set.

amanda=/var/lib/amanda/library
amanda_settings=/etc/amanda/library

# Amanda is told to use the slots $2 alone, and how the drives are reached: $1 is the changer.
amanda_conf() {
  cat <<CONF
org "library"
mailto ""
inparallel 1
dumpcycle 0
runspercycle 1
tapecycle 4
runtapes 2
tpchanger "library"
define changer library {
  tpchanger "$1"
  property "tape-device" "0=tape:$TAPE0" "1=tape:$TAPE1"
  property "use-slots" "$2"
  changerfile "$amanda/changer"
}
tapetype LIBRARY
define tapetype LIBRARY {
  length 60 mbytes
  filemark 0 kbytes
  blocksize 64 kbytes
  part-size 2 mbytes
  part-cache-type memory
}
labelstr "^TW[0-9]*L9\$"
autolabel "\$b" any
infofile "$amanda/info"
logdir "$amanda/log"
indexdir "$amanda/index"
tapelist "$amanda/tapelist"
reserved-udp-port 840,860
define dumptype tree {
  auth "local"
  program "GNUTAR"
  compress none
  index yes
  holdingdisk never
}
CONF
}

# What the packages' scripts would have set up, and the settings for saving the folder $1 to the slots $2.
amanda_set_up() {
  mkdir -p "$amanda/info" "$amanda/log" "$amanda/index" "$amanda_settings" /var/log/amanda \
    /var/lib/amanda/gnutar-lists /var/backups
  grep -qw localhost /etc/hosts 2>/dev/null || echo "127.0.0.1 localhost" >>/etc/hosts
  : >/var/lib/amanda/amandates
  : >"$amanda/tapelist"
  amanda_conf "chg-robot:$CHANGER" "$2" >"$amanda_settings/amanda.conf"
  echo "localhost $1 tree" >"$amanda_settings/disklist"
  chown -R backup:backup /var/lib/amanda /var/log/amanda /etc/amanda /var/backups
  # As udev's rules for tape drives and changers let their group do.
  chown backup "$CHANGER" "$TAPE0" "$TAPE1"
}

# Runs a command as Amanda's user.
as_amanda() { (cd "$amanda" && exec timeout "${amanda_limit:-600}" setpriv --reuid backup --regid backup --clear-groups "$@"); }
