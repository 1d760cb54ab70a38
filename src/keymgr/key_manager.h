// The key server's mind as operators use it: every action is one transaction with its audit record, done when
// the call returns. REST, the command line, migration and replication build on it; drives go through
// KeyService. Thread-safe; calls wait for the disk, so never from the executor's threads.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "keymgr/access_rules.h"
#include "keymgr/conflicts.h"
#include "keymgr/consent.h"
#include "keymgr/data_keys.h"
#include "keymgr/drive_table.h"
#include "keymgr/keks.h"
#include "keymgr/key_groups.h"
#include "keymgr/key_life.h"
#include "keymgr/ledger.h"
#include "keymgr/peer_changes.h"
#include "keymgr/quotas.h"
#include "keymgr/server_context.h"
#include "keymgr/settings.h"
#include "store/keystore.h"

namespace tapewarden::keymgr {

class KeyManager {
 public:
  struct Options {
    std::string server_name = {};       // for the certificates made at first start
    unsigned exchange_key_bits = 3072;  // of the RSA key made at first start: 2048, 3072 or 4096
  };

  // Makes this server's identity (keys, certificates, installation id) in a new keystore. The keystore's
  // KeystoreOptions::server is `server`. Borrows env and keystore.
  static Result<std::unique_ptr<KeyManager>> open(Env env, store::Keystore& keystore, const Uuid& server,
                                                  Options options);

  // nullptr: none. Borrowed. Set before serving.
  void set_peer(const PeerView* peer) { context_.peer = peer != nullptr ? peer : &no_peer_; }

  // nullptr: this server makes no backups. Borrowed. Set before serving, and before the key factory is made.
  void set_backups(BackupView* backups) { context_.backups = backups; }

  // Called after a group was made or changed or keys were made, from the caller's thread: the key factory
  // looks what is needed. Set before serving.
  void on_groups_changed(std::function<void()> call) { groups_changed_ = std::move(call); }

  // Called after a KEK's state was changed here, from the caller's thread: what keeps keys in memory looks
  // which it must let go. Set before serving.
  void on_keks_changed(std::function<void()> call) { keks_changed_ = std::move(call); }

  // For those who combine several operations in one transaction.
  const ServerContext& context() const { return context_; }
  store::Keystore& keystore() const { return keystore_; }
  const Settings& settings() const { return settings_; }
  const DriveTable& drives() const { return drives_; }
  const DataKeys& keys() const { return keys_; }
  const KeyGroups& groups() const { return groups_; }
  const Keks& keks() const { return keks_; }
  const AccessRules& access() const { return access_; }
  const Ledger& ledger() const { return ledger_; }
  const Conflicts& conflicts() const { return conflicts_; }
  const KeyLife& life() const { return life_; }
  const Quotas& quotas() const { return quotas_; }

  // Drives (K1).
  Result<Drive> add_drive(const Actor& actor, std::string_view serial, const DriveChange& change);
  Result<Drive> modify_drive(const Actor& actor, std::string_view serial, const DriveChange& change);
  Status remove_drive(const Actor& actor, std::string_view serial);
  Result<Drive> accept_drive(const Actor& actor, std::string_view serial,
                             const std::optional<Hash256>& expected_identity = {});
  Result<Drive> reject_drive(const Actor& actor, std::string_view serial);
  Result<Drive> dismiss_drive_offer(const Actor& actor, std::string_view serial);
  Result<Drive> drive(std::string_view serial);  // kNotFound
  Result<Page<Drive>> list_drives(std::optional<DriveState> state, const PageRequest& page);
  Result<std::string> export_drives();
  Result<ImportReport> import_drives(const Actor& actor, std::string_view text, ImportMode mode);
  Status allow_proxy(const Actor& actor, const Hash256& proxy, std::string_view name,
                     std::string_view serial);
  Status forbid_proxy(const Actor& actor, const Hash256& proxy, std::string_view serial);
  Result<std::vector<ProxyDrive>> list_proxies();

  // Data keys (K2, K10). Large numbers go in several transactions, each whole.
  Result<std::vector<DataKey>> generate_keys(const Actor& actor, std::size_t count, std::string_view prefix,
                                             std::string_view group);
  Result<std::vector<DataKey>> generate_key_range(const Actor& actor, std::string_view range,
                                                  std::string_view group);
  Result<ImportOutcome> import_key(const Actor& actor, const ImportedKey& key);
  Result<DataKey> key(std::string_view alias);  // kNotFound
  Result<Page<DataKey>> list_keys(std::string_view group, std::optional<KeyState> state,
                                  const PageRequest& page);
  // Not to a destroyed state: see destroy_key().
  Result<DataKey> change_key_state(const Actor& actor, std::string_view alias, KeyState to);

  // Groups (K3).
  Result<KeyGroup> create_group(const Actor& actor, std::string_view name, const GroupSpec& spec);
  Result<KeyGroup> modify_group(const Actor& actor, std::string_view name, const GroupSpec& spec);
  Status remove_group(const Actor& actor, std::string_view name);
  Status set_default_group(const Actor& actor, std::string_view name);
  Status add_alias(const Actor& actor, std::string_view group, std::string_view alias);
  Status move_alias(const Actor& actor, std::string_view alias, std::string_view from, std::string_view to);
  Status remove_alias(const Actor& actor, std::string_view group, std::string_view alias);
  Result<std::vector<GroupStatus>> list_groups();
  Result<GroupStatus> group(std::string_view name);  // kNotFound

  // KEKs (K5).
  Result<KekView> generate_kek(const Actor& actor, const KekSpec& spec);  // takes up to seconds
  Result<KekView> import_kek_certificate(const Actor& actor, std::string_view pem,
                                         const std::vector<std::string>& labels);
  Result<KekView> import_kek_pkcs12(const Actor& actor, ByteView file, const crypto::SecretBytes& passphrase,
                                    const std::vector<std::string>& labels);
  Result<Bytes> export_kek_pkcs12(const Actor& actor, const Hash256& id,
                                  const crypto::SecretBytes& passphrase, const Consent& consent);
  Result<std::string> kek_certificate_request(const Hash256& id);
  Result<KekView> replace_kek_certificate(const Actor& actor, std::string_view pem);
  Status add_kek_label(const Actor& actor, const Hash256& id, std::string_view label);
  Status remove_kek_label(const Actor& actor, const Hash256& id, std::string_view label);
  Result<Kek> change_kek_state(const Actor& actor, const Hash256& id, KeyState to);
  Result<Keks::Challenge> challenge_kek(const Hash256& id);
  Status prove_kek(const Actor& actor, const Hash256& id, const Keks::Challenge& challenge,
                   const crypto::SecretBytes& answer);
  Result<KekView> kek(const Hash256& id);  // kNotFound
  Result<Page<KekView>> list_keks(const PageRequest& page, std::optional<KeyState> state = {});
  Result<std::vector<LabelConflict>> label_conflicts();
  Result<std::vector<ExpiryWarning>> expiring_keks();

  // Rows of this server that the peer does not take: keys among them are given out for writing only when
  // peer.exhausted says that a key may exist here alone. Within a transaction; audited.
  Status note_refused(store::Transaction& transaction, std::span<const RefusedRow> rows);
  // Keys that the peer took: those among them that it had refused are given out again. From the thread that
  // sends to the peer; the change is submitted, not waited for. Quick when nothing was ever refused.
  Status note_held(std::span<const HeldKey> keys);

  // The end of keys (K10). The key as it is now: kNotFound.
  Result<KeyRef> key_ref(std::string_view alias);
  Result<KeyRef> kek_ref(const Hash256& id);
  Result<KeyHold> hold_key(const Actor& actor, const KeyRef& key, std::string_view reason, WallTime until);
  Status remove_hold(const Actor& actor, const KeyRef& key, const Uuid& hold, const Consent& consent);
  Result<std::vector<KeyHold>> holds_of(const KeyRef& key);
  Status quarantine_key(const Actor& actor, const KeyRef& key);
  Status release_key(const Actor& actor, const KeyRef& key);
  Result<Tombstone> compromise_key(const Actor& actor, const KeyRef& key);
  struct Destroyed {
    Tombstone tombstone;
    bool scrubbed = false;  // no file of the keystore holds its sealed box any more
  };
  Result<Destroyed> destroy_key(const Actor& actor, const KeyRef& key, const Destruction& what,
                                const Consent& consent);
  // After rows came in from elsewhere: what a tombstone forbids is put right. Done at the start, too.
  Status enforce_tombstones();
  // The same within the transaction that brought the rows; nothing to do when none is of a key.
  Status obey_tombstones(store::Transaction& transaction, const store::ApplyReport& report) const;
  Result<std::optional<Tombstone>> tombstone_of(const KeyRef& key);
  Result<Page<SealedBy>> cartridges_of(const LedgerKey& key, CartridgeFilter filter, const PageRequest& page);
  Result<std::int64_t> count_cartridges(const LedgerKey& key, CartridgeFilter filter);
  Result<std::int64_t> count_sealed(const KeyRef& key, CartridgeFilter filter);  // as KeyLife

  // Access (K27), settings, ledger (K12), servers.
  Result<AccessRule> add_access_rule(const Actor& actor, const AccessRule& rule);
  Status remove_access_rule(const Actor& actor, const Uuid& id);
  Result<Page<AccessRule>> list_access_rules(const PageRequest& page);
  Result<Quota> add_quota(const Actor& actor, const Quota& quota);
  Status remove_quota(const Actor& actor, const Uuid& id);
  Result<std::vector<QuotaUse>> list_quotas();
  Result<std::vector<std::pair<std::string, std::string>>> list_settings();
  Status set_setting(const Actor& actor, std::string_view name, std::string_view value,
                     const Consent& consent = {});
  Status unset_setting(const Actor& actor, std::string_view name);
  Result<Page<LedgerEntry>> query_ledger(const LedgerQuery& query, const PageRequest& page);
  Result<std::vector<ServerRow>> list_servers();
  // Another server whose seals are trusted and whose rows arrive by replication.
  Status put_server(const Actor& actor, const ServerRow& server);
  // Within the transaction that applied rows of another server: keeps what depends on them (counts of groups,
  // this server's epoch) and the conflicts. Writer thread.
  Status take_in(store::Transaction& transaction, const store::ApplyReport& report);
  // Takes over from a server that is lost (K19): raises its epoch, so that it gives out none of its unused
  // use-once keys any more when it returns, and makes this server the owner of those of its keys that begin
  // many cartridges. Its use-once keys are never given out here: new ones are made. How many keys were taken.
  // kNotFound, kInvalidArgument for this server itself. May be done again.
  Result<std::size_t> promote(const Actor& actor, const Uuid& server);
  // This keystore is an older copy of its server's (epoch.h). Before serving.
  Status begin_epoch(const Actor& actor);
  Result<Page<ConflictRow>> list_conflicts(bool acknowledged, const PageRequest& page);
  Result<ConflictRow> acknowledge_conflict(const Actor& actor, const Uuid& id);
  // Certificates of the site's authority in place of the self-signed ones that a new keystore begins with, or
  // renewed ones. kInvalidArgument when they are not of this server's keys. Not while serving.
  Status adopt_certificates(const Actor& actor, const crypto::Certificate& signing,
                            const crypto::Certificate& exchange);

 private:
  KeyManager(Env env, store::Keystore& keystore, const Uuid& server);
  Status load_identity(const Options& options);
  Status make_identity(const Options& options);
  Status count_as_held(store::Transaction& transaction, std::span<const HeldKey> keys) const;

  std::function<void()> groups_changed_;
  std::function<void()> keks_changed_;
  NoPeer no_peer_;
  store::Keystore& keystore_;
  ServerContext context_;
  Settings settings_{context_};
  DriveTable drives_{context_};
  DataKeys keys_{context_};
  KeyGroups groups_{context_, keys_, settings_};
  Keks keks_{context_, settings_};
  AccessRules access_{context_, settings_};
  Ledger ledger_{context_, keys_};
  Conflicts conflicts_{context_};
  KeyLife life_{context_, settings_, keys_, keks_};
  Quotas quotas_{context_};
  std::atomic<bool> refused_keys_ = true;  // the peer may have refused keys; false once none was found
};

}  // namespace tapewarden::keymgr
