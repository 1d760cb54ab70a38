#include "rescue/keystore_source.h"

#include "keymgr/custody/backup/verification.h"
#include "keymgr/key_manager.h"
#include "rescue/kek_source.h"

namespace tapewarden::rescue {

namespace {

using keymgr::DataKey;
using keymgr::Kek;
using keymgr::LedgerEntry;

constexpr std::size_t kPage = 1000;
constexpr std::size_t kLedgerRows = 100;  // of one volume, the newest

class Search {
 public:
  Search(keymgr::KeyManager& manager, store::Reader& reader, const KeyWanted& wanted, std::string name)
      : manager_(manager), reader_(reader), wanted_(wanted), name_(std::move(name)) {}

  Result<std::vector<FoundKey>> run() {
    TRY(by_identifier(wanted_.akad));
    if (found_.empty()) TRY(by_eedks(wanted_.eedks));
    if (found_.empty()) TRY(by_ledger());
    if (found_.empty()) TRY(by_check_value());
    if (found_.empty() && hidden_) return std::unexpected(*hidden_);
    return std::move(found_);
  }

 private:
  Status by_identifier(const Bytes& dki) {
    const auto identifier = eedk::DataKeyIdentifier::from_tape(dki);
    if (!identifier) return {};
    for (const DataKey& key : TRY(manager_.keys().find_by_dki(reader_, *identifier))) TRY(try_key(key));
    return {};
  }

  // A key that is destroyed holds nothing, and a quarantined one is not given out.
  Status try_key(const DataKey& key) {
    if (keymgr::is_tombstone(key.state)) return {};
    auto secret = manager_.keys().open(reader_, key);
    if (secret) {
      keep_if_fits(wanted_, std::move(*secret), "data key " + key.alias + " of " + name_, found_);
    } else if (secret.error().code == ErrorCode::kConflict) {
      hidden_ = secret.error();
    } else {
      return std::unexpected(secret.error());
    }
    return {};
  }

  Status by_eedks(const std::vector<eedk::Eedk>& eedks) {
    for (const auto& eedk : eedks) {
      for (const Kek& kek : TRY(keks_of(eedk.label))) {
        if (!kek.has_private) continue;
        auto opened = manager_.keks().open_private(reader_, kek);
        if (!opened && opened.error().code == ErrorCode::kConflict) {
          hidden_ = opened.error();  // quarantined; the cartridge's other EEDK may still open
          continue;
        }
        const auto key = TRY(std::move(opened));
        unwrap_with(wanted_, eedk, key, "the KEK " + to_string(eedk.label) + " of " + name_, found_);
      }
    }
    return {};
  }

  Result<std::vector<Kek>> keks_of(const eedk::KekLabel& label) {
    if (const auto* clear = std::get_if<eedk::ClearLabel>(&label)) {
      return manager_.keks().find_by_label(reader_, clear->text);
    }
    const auto kek = TRY(manager_.keks().find(reader_, std::get<eedk::HashLabel>(label).spki));
    return kek ? std::vector<Kek>{*kek} : std::vector<Kek>{};
  }

  Status by_ledger() {
    keymgr::PageRequest page;
    page.limit = kLedgerRows;
    keymgr::LedgerQuery query;
    query.volume = wanted_.volume;
    for (const LedgerEntry& entry : TRY(manager_.ledger().query(reader_, query, page)).items) {
      TRY(by_identifier(entry.dki));
      if (const auto set = eedk::decode_eedk_set(entry.eedk_set)) TRY(by_eedks(set->eedks));
    }
    return {};
  }

  Status by_check_value() {
    keymgr::PageRequest page;
    page.limit = kPage;
    do {
      const auto keys = TRY(manager_.keys().list(reader_, "", {}, page));
      for (const DataKey& key : keys.items) TRY(try_key(key));
      page.after = keys.next;
    } while (!page.after.empty() && found_.empty());
    return {};
  }

  keymgr::KeyManager& manager_;
  store::Reader& reader_;
  const KeyWanted& wanted_;
  const std::string name_;
  std::vector<FoundKey> found_;
  std::optional<Error> hidden_;
};

}  // namespace

Result<std::vector<FoundKey>> find_in_keystore(Env env, store::Keystore& keystore, const Uuid& server,
                                               const KeyWanted& wanted, const std::string& name) {
  const auto manager = TRY(keymgr::KeyManager::open(env, keystore, server, {}));
  std::vector<FoundKey> out;
  TRY(keystore.read([&](store::Reader& reader) -> Status {
    out = TRY(Search(*manager, reader, wanted, name).run());
    return {};
  }));
  return out;
}

Result<std::vector<FoundKey>> BackupSource::find(const KeyWanted& wanted) {
  const auto picked = TRY(keymgr::backup::pick_chain(*env_.disk, options_.from, options_.file));
  const auto& newest = picked.chain.newest();
  const auto keys = [&](const keymgr::backup::FoundFile& file) { return options_.opener->open(file.header); };
  std::vector<FoundKey> out;
  (void)TRY(keymgr::backup::prove_restorable(
      env_, picked.chain, keys, options_.trust, options_.tables, options_.scratch,
      [&](store::Keystore& keystore) -> Status {
        out = TRY(
            find_in_keystore(env_, keystore, newest.server, wanted,
                             "the backup of " + newest.server_name + " of " + format_utc(newest.created)));
        return {};
      }));
  return out;
}

}  // namespace tapewarden::rescue
