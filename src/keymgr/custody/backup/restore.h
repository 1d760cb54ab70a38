// A key server's keystore out of its backups onto a bare machine.
//
// Invariants
//  R1 Nothing is there under the folder's name before everything is: the restore works in a folder beside it
//     and renames that at the end.
//  R2 A restore begins a new epoch (keymgr/epoch.h): whatever the old server did after the backup is not
//     known here. So its use-once keys that the backup calls unused are for reading only, and nothing that
//     the old server may have given out is given out again under the same name.
//  R3 A key that any backup at hand calls destroyed stays destroyed.
// One thread.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "keymgr/custody/backup/replay.h"
#include "keymgr/custody/backup/seal.h"

namespace tapewarden::keymgr::backup {

struct RestoreOptions {
  std::vector<std::string> from;  // folders with backup files
  std::string file;               // the newest file to take; empty: the newest chain
  bool incomplete = false;        // also when files show that later commits are missing
  Opener* opener = nullptr;
  SignerTrust trust;
  std::string to;                                       // the server's folder: must not exist, or be empty
  const crypto::SecretBytes* new_passphrase = nullptr;  // of the new master key
  crypto::ScryptCost new_cost{};
  std::vector<std::string> tombstones;  // further folders or files: what they call destroyed stays destroyed
  std::vector<const store::TableSpec*> tables;
  // Writes the site files into the folder: configuration and TLS. Called last.
  std::function<Status(const std::string& folder, const FileHeader& newest, std::vector<SiteFile> files)>
      write_site;
};

struct RestoreReport {
  FileHeader newest;
  std::string newest_path;
  std::size_t files = 0;
  crypto::Certificate signer;
  store::CommitMark mark;   // the commit that the backup shows
  std::uint64_t epoch = 0;  // the new one
  std::uint64_t rows = 0;
  KeyCounts keys;
  std::uint64_t made_read_only = 0;  // use-once keys
  std::uint64_t kept_destroyed = 0;  // keys that only a newer backup knew to be destroyed
  std::uint64_t audit_lines = 0;     // of the old record, written beside the new one
  std::vector<std::string> warnings;
};

// Picks the chain that a restore takes. kNotFound when there is none; kConflict naming the servers when the
// folders hold backups of several.
struct PickedChain {
  Chain chain;
  std::vector<std::string> warnings;  // files that do not fit into it
  // Those among them that hold, or may hold, commits after the chain's end; none when `file` was named.
  std::vector<std::string> missing;
};
Result<PickedChain> pick_chain(Disk& disk, const std::vector<std::string>& from, const std::string& file);

// The error of a restore that would lose commits which other files show to exist: kConflict of the field
// kIncomplete, telling what is missing.
inline constexpr std::string_view kIncomplete = "incomplete";
Status require_complete(const PickedChain& picked);
// kAlreadyExists unless a restore may make this folder.
Status check_restore_target(Disk& disk, const std::string& to);
// What can be known of the chain's files without their keys: whole, in order, signed by somebody trusted. The
// error names the file, and the one before it as the end of what can be restored.
Status check_chain(Disk& disk, const Chain& chain, const SignerTrust& trust);

Result<RestoreReport> restore(Env env, const RestoreOptions& options);

// Names within the server's folder.
inline constexpr std::string_view kDataFolder = "data";
inline constexpr std::string_view kKeystoreName = "keystore.db";
inline constexpr std::string_view kAuditFolder = "audit";
inline constexpr std::string_view kMasterKeyName = "master.key";

}  // namespace tapewarden::keymgr::backup
