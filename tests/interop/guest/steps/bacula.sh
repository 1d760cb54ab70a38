# Bacula in one guest: director, storage daemon and file daemon on the loopback, the catalog in SQLite, all of it
# below $bacula and nothing of it a service. For scenarios that source it, with the devices of a session set.

bacula=$SCRATCH/bacula
bacula_port=9101

# Both drives behind the changer, as Bacula's own script mtx-changer works it. $1 is put into each Device.
bacula_storage_daemon() {
  cat <<CONF
Storage { Name = sd; WorkingDirectory = $bacula; Pid Directory = $bacula; SDAddress = 127.0.0.1; SDPort = 9103 }
Director { Name = dir; Password = "of the storage" }
Messages { Name = Standard; Director = dir = all }
Autochanger {
  Name = Library
  Device = Drive-0, Drive-1
  Changer Device = $CHANGER
  Changer Command = "/etc/bacula/scripts/mtx-changer %c %o %S %a %d"
}
CONF
  bacula_drive 0 "$TAPE0" "$1"
  bacula_drive 1 "$TAPE1" "$1"
}

bacula_drive() {
  cat <<CONF
Device {
  Name = Drive-$1
  Drive Index = $1
  Media Type = LTO-9
  Archive Device = $2
  Autochanger = yes
  Automatic Mount = yes
  Always Open = yes
  Removable Media = yes
  Random Access = no
  $3
}
CONF
}

bacula_file_daemon() {
  cat <<CONF
FileDaemon { Name = fd; WorkingDirectory = $bacula; Pid Directory = $bacula; FDAddress = 127.0.0.1; FDPort = 9102 }
Director { Name = dir; Password = "of the files" }
Messages { Name = Standard; Director = dir = all }
CONF
}

# Saves the folder $1.
bacula_director() {
  cat <<CONF
Director {
  Name = dir
  Password = "of the console"
  DirAddress = 127.0.0.1
  DirPort = $bacula_port
  WorkingDirectory = $bacula
  Pid Directory = $bacula
  QueryFile = /etc/bacula/scripts/query.sql
  Messages = Standard
  Maximum Concurrent Jobs = 4
}
Catalog { Name = Catalog; dbname = catalog; dbuser = ""; dbpassword = "" }
Messages { Name = Standard; console = all, !skipped; append = "$bacula/log" = all, !skipped }
Client { Name = fd; Address = 127.0.0.1; FDPort = 9102; Catalog = Catalog; Password = "of the files" }
Autochanger {
  Name = Library
  Address = 127.0.0.1
  SDPort = 9103
  Password = "of the storage"
  Device = Library
  Media Type = LTO-9
  Autochanger = Library
}
Pool { Name = Default; Pool Type = Backup }
Pool { Name = Secret; Pool Type = Backup }
FileSet { Name = Tree; Include { Options { signature = SHA1 }; File = $1 } }
Job {
  Name = Save; Type = Backup; Level = Full
  Client = fd; FileSet = Tree; Storage = Library; Pool = Default; Messages = Standard
}
Job {
  Name = Back; Type = Restore
  Client = fd; FileSet = Tree; Storage = Library; Pool = Default; Messages = Standard; Where = /
}
CONF
}

bacula_console_settings() {
  echo "Director { Name = dir; Address = 127.0.0.1; DirPort = $bacula_port; Password = \"of the console\" }"
}

bacula_catalog() {
  sed -e "s|/var/lib/bacula|$bacula|g" -e "s|XXX_DBNAME_XXX|catalog|" \
    /usr/share/bacula-director/make_sqlite3_tables >"$bacula/make-tables"
  sh "$bacula/make-tables"
}

# The settings for saving the folder $1, with the lines $2 for each drive, and an empty catalog.
bacula_set_up() {
  mkdir -p "$bacula" /var/lib/bacula # mtx-changer keeps its temporary files in the second
  bacula_storage_daemon "$2" >"$bacula/sd.conf"
  bacula_file_daemon >"$bacula/fd.conf"
  bacula_director "$1" >"$bacula/dir.conf"
  bacula_console_settings >"$bacula/console.conf"
  bacula_catalog
}

bacula_daemon() { "$1" -f -c "$bacula/$2.conf" >"$FILES/bacula-$2" 2>&1 </dev/null 7>&- & }

# Sets bacula_pids. Who asks the console afterwards waits for the director with "soon".
bacula_start() {
  bacula_daemon bacula-sd sd
  bacula_pids=$!
  bacula_daemon bacula-fd fd
  bacula_pids="$bacula_pids $!"
  bacula_daemon bacula-dir dir
  bacula_pids="$bacula_pids $!"
}

# A director with a job that still waits for somebody does not end by itself.
bacula_stop() {
  cp "$bacula/log" "$FILES/bacula-log"
  kill $bacula_pids
  soon_limit=15 soon bacula_is_gone >/dev/null || kill -9 $bacula_pids
  wait $bacula_pids
}

bacula_is_gone() {
  jobs -l >"$SCRATCH/jobs" # not in a pipe: that would be a shell without jobs
  ! grep -q Running "$SCRATCH/jobs"
}

# Says the lines to the director and prints its answers; all of them are also in the file of what was said.
console() {
  printf '%s\n' "$@" | timeout "${console_limit:-300}" bconsole -n -c "$bacula/console.conf" 2>&1 |
    tee -a "$FILES/bacula-said"
}
