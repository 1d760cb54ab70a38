#include "keymgr/key_manager.h"

#include <algorithm>

#include "base/text.h"
#include "crypto/random.h"
#include "keymgr/audit_note.h"
#include "keymgr/epoch.h"
#include "keymgr/limits.h"
#include "keymgr/row_codec.h"
#include "keymgr/tables.h"

namespace tapewarden::keymgr {
namespace {

constexpr std::chrono::hours kIdentityValidity{24 * 365 * 30};

// One transaction whose result is a value: the value counts only when the commit is durable.
template <typename T, typename Work>
Result<T> write(store::Keystore& keystore, const Work& work) {
  std::optional<T> out;
  TRY(keystore.write([&](store::Transaction& transaction) -> Status {
    out = TRY(work(transaction));
    return {};
  }));
  return *std::move(out);
}

template <typename Work>
Status change(store::Keystore& keystore, const Work& work) {
  TRY(keystore.write([&](store::Transaction& transaction) -> Status { return work(transaction); }));
  return {};
}

template <typename T, typename Work>
Result<T> look(store::Keystore& keystore, const Work& work) {
  std::optional<T> out;
  TRY(keystore.read([&](store::Reader& reader) -> Status {
    out = TRY(work(reader));
    return {};
  }));
  return *std::move(out);
}

template <typename T>
Result<T> found(std::optional<T> value, std::string_view what, std::string_view name) {
  if (value) return *std::move(value);
  return fail(ErrorCode::kNotFound,
              "there is no " + std::string(what) + " " + escape_unprintable(name.substr(0, 64)),
              std::string(what), "list them to see what there is");
}

Status check_reachable(KeyState to) {
  if (!is_tombstone(to)) return {};
  return fail(ErrorCode::kPermissionDenied, "a key is not destroyed by setting its state", "state",
              "use key destroy or kek destroy: it takes two officers, and looks at holds and the ledger");
}

}  // namespace

using store::Reader;
using store::Transaction;

KeyManager::KeyManager(Env env, store::Keystore& keystore, const Uuid& server) : keystore_(keystore) {
  context_.env = env;
  context_.server = server;
  context_.peer = &no_peer_;
}

Result<std::unique_ptr<KeyManager>> KeyManager::open(Env env, store::Keystore& keystore, const Uuid& server,
                                                     Options options) {
  std::unique_ptr<KeyManager> manager(new KeyManager(env, keystore, server));
  TRY(manager->load_identity(options));
  TRY(manager->enforce_tombstones());
  return manager;
}

Status KeyManager::enforce_tombstones() {
  return change(keystore_, [&](Transaction& t) -> Status {
    (void)TRY(life_.enforce(t));
    return {};
  });
}

Status KeyManager::obey_tombstones(Transaction& transaction, const store::ApplyReport& report) const {
  const bool keys = std::ranges::any_of(report.changed, [](const store::ApplyReport::Changed& row) {
    return row.table == kDataKeyTable.name || row.table == kKekTable.name ||
           row.table == kTombstoneTable.name;
  });
  if (keys) (void)TRY(life_.enforce(transaction));
  return {};
}

// Reads this server's keys, or makes them in a keystore that has none yet.
Status KeyManager::load_identity(const Options& options) {
  const store::Value id = to_bytes(context_.server.view());
  const bool known = TRY(look<bool>(keystore_, [&](Reader& reader) -> Result<bool> {
    return TRY(reader.get(kIdentityTable, {id})).has_value();
  }));
  if (!known) TRY(make_identity(options));
  // A restore raised the epoch in the server table alone.
  TRY(change(keystore_, [&](Transaction& t) { return obey_epoch(t, context_); }));
  return keystore_.read([&](Reader& reader) -> Status {
    const auto row = TRY(reader.get(kIdentityTable, {id}));
    const auto server_row = TRY(reader.get(kServerTable, {id}));
    if (!row || !server_row)
      return fail(ErrorCode::kCorrupt, "this server's identity is not in its keystore");
    context_.signing_key =
        TRY(crypto::PrivateKey::from_pkcs8(TRY(reader.unseal(kIdentityTable, *row, kIdentitySigningColumn))));
    context_.exchange_key = TRY(
        crypto::PrivateKey::from_pkcs8(TRY(reader.unseal(kIdentityTable, *row, kIdentityExchangeColumn))));
    const auto server = ServerRow::from_row(*server_row);
    context_.signing_certificate = TRY(crypto::Certificate::from_der(server.signing_certificate));
    context_.exchange_certificate = TRY(crypto::Certificate::from_der(server.exchange_certificate));
    context_.installation = server.installation;
    return {};
  });
}

Status KeyManager::make_identity(const Options& options) {
  const auto signing = crypto::PrivateKey::generate_p256();
  const auto exchange = crypto::PrivateKey::generate_rsa(options.exchange_key_bits);
  crypto::CertificateSpec spec;
  spec.common_name = options.server_name.empty() ? context_.server.text() : options.server_name;
  spec.organizational_unit = "keyd";
  spec.not_before = context_.now();
  spec.not_after = context_.now() + kIdentityValidity;
  spec.use = crypto::CertificateUse::kSigning;
  ServerRow server;
  server.id = context_.server;
  server.name = spec.common_name;
  server.signing_certificate =
      TRY(crypto::self_signed_certificate(spec, signing, *context_.env.random)).der();
  spec.use = crypto::CertificateUse::kKeyWrapping;
  server.exchange_certificate =
      TRY(crypto::self_signed_certificate(spec, exchange, *context_.env.random)).der();
  std::array<std::uint8_t, 4> installation;
  context_.env.random->fill(installation);
  server.installation = TRY(ByteReader(installation).u32("installation"));
  return change(keystore_, [&](Transaction& t) -> Status {
    const store::Value id = to_bytes(context_.server.view());
    TRY(t.put(kIdentityTable, RowWriter(kIdentityTable)
                                  .uuid(context_.server)
                                  .blob(t.seal(kIdentityTable, {&id, 1}, "signing_key", signing.pkcs8()))
                                  .blob(t.seal(kIdentityTable, {&id, 1}, "exchange_key", exchange.pkcs8()))
                                  .take()));
    TRY(t.put(kServerTable, server.to_row()));
    note(t, context_,
         {.type = AuditType::kConfigurationManagement,
          .action = "server.create",
          .actor = Actor::system(),
          .fields = {{"id", server.id.text()}, {"name", server.name}}});
    return {};
  });
}

Result<Drive> KeyManager::add_drive(const Actor& actor, std::string_view serial, const DriveChange& change) {
  return write<Drive>(keystore_, [&](Transaction& t) { return drives_.add(t, actor, serial, change); });
}

Result<Drive> KeyManager::modify_drive(const Actor& actor, std::string_view serial,
                                       const DriveChange& change) {
  return write<Drive>(keystore_, [&](Transaction& t) { return drives_.modify(t, actor, serial, change); });
}

Status KeyManager::remove_drive(const Actor& actor, std::string_view serial) {
  return change(keystore_, [&](Transaction& t) { return drives_.remove(t, actor, serial); });
}

Result<Drive> KeyManager::accept_drive(const Actor& actor, std::string_view serial,
                                       const std::optional<Hash256>& expected_identity) {
  return write<Drive>(keystore_,
                      [&](Transaction& t) { return drives_.accept(t, actor, serial, expected_identity); });
}

Result<Drive> KeyManager::reject_drive(const Actor& actor, std::string_view serial) {
  return write<Drive>(keystore_, [&](Transaction& t) { return drives_.reject(t, actor, serial); });
}

Result<Drive> KeyManager::dismiss_drive_offer(const Actor& actor, std::string_view serial) {
  return write<Drive>(keystore_, [&](Transaction& t) { return drives_.dismiss_offer(t, actor, serial); });
}

Result<Drive> KeyManager::drive(std::string_view serial) {
  return found(TRY(look<std::optional<Drive>>(keystore_, [&](Reader& r) { return drives_.find(r, serial); })),
               "drive", serial);
}

Result<Page<Drive>> KeyManager::list_drives(std::optional<DriveState> state, const PageRequest& page) {
  return look<Page<Drive>>(keystore_, [&](Reader& r) { return drives_.list(r, state, page); });
}

Result<std::string> KeyManager::export_drives() {
  return look<std::string>(keystore_, [&](Reader& r) { return drives_.export_text(r); });
}

Result<ImportReport> KeyManager::import_drives(const Actor& actor, std::string_view text, ImportMode mode) {
  return write<ImportReport>(keystore_,
                             [&](Transaction& t) { return drives_.import_text(t, actor, text, mode); });
}

Status KeyManager::allow_proxy(const Actor& actor, const Hash256& proxy, std::string_view name,
                               std::string_view serial) {
  return change(keystore_,
                [&](Transaction& t) { return drives_.allow_proxy(t, actor, proxy, name, serial); });
}

Status KeyManager::forbid_proxy(const Actor& actor, const Hash256& proxy, std::string_view serial) {
  return change(keystore_, [&](Transaction& t) { return drives_.forbid_proxy(t, actor, proxy, serial); });
}

Result<std::vector<ProxyDrive>> KeyManager::list_proxies() {
  return look<std::vector<ProxyDrive>>(keystore_, [&](Reader& r) { return drives_.list_proxies(r); });
}

Result<std::vector<DataKey>> KeyManager::generate_keys(const Actor& actor, std::size_t count,
                                                       std::string_view prefix, std::string_view group) {
  if (count == 0 || count > kMaximumKeysPerCall) {
    return fail(ErrorCode::kInvalidArgument, "the number of keys is 0 or too large", "count",
                "ask for at most " + std::to_string(kMaximumKeysPerCall) + " at once");
  }
  std::string letters(prefix);
  if (letters.empty()) {
    letters = TRY(look<std::string>(keystore_, [&](Reader& r) { return settings_.get(r, kAliasPrefix); }));
  }
  std::vector<DataKey> out;
  while (out.size() < count) {
    const auto batch = std::min(count - out.size(), kKeysPerTransaction);
    auto made = TRY(write<std::vector<DataKey>>(
        keystore_, [&](Transaction& t) { return keys_.generate(t, actor, batch, letters, group); }));
    std::ranges::move(made, std::back_inserter(out));
  }
  if (groups_changed_) groups_changed_();
  return out;
}

Result<std::vector<DataKey>> KeyManager::generate_key_range(const Actor& actor, std::string_view range,
                                                            std::string_view group) {
  auto made = write<std::vector<DataKey>>(
      keystore_, [&](Transaction& t) { return keys_.generate_range(t, actor, range, group); });
  if (groups_changed_) groups_changed_();
  return made;
}

Result<ImportOutcome> KeyManager::import_key(const Actor& actor, const ImportedKey& key) {
  auto outcome = write<ImportOutcome>(keystore_, [&](Transaction& t) { return keys_.import(t, actor, key); });
  if (groups_changed_) groups_changed_();
  return outcome;
}

Result<DataKey> KeyManager::key(std::string_view alias) {
  return found(TRY(look<std::optional<DataKey>>(keystore_, [&](Reader& r) { return keys_.find(r, alias); })),
               "key", alias);
}

Result<Page<DataKey>> KeyManager::list_keys(std::string_view group, std::optional<KeyState> state,
                                            const PageRequest& page) {
  return look<Page<DataKey>>(keystore_, [&](Reader& r) { return keys_.list(r, group, state, page); });
}

Result<DataKey> KeyManager::change_key_state(const Actor& actor, std::string_view alias, KeyState to) {
  TRY(check_reachable(to));
  return write<DataKey>(keystore_, [&](Transaction& t) -> Result<DataKey> {
    if (to != KeyState::kCompromised) return keys_.change_state(t, actor, alias, to);
    (void)TRY(life_.compromise(t, actor, TRY(life_.data_key(t, alias))));
    return *TRY(keys_.find(t, alias));
  });
}

Result<KeyGroup> KeyManager::create_group(const Actor& actor, std::string_view name, const GroupSpec& spec) {
  auto group =
      TRY(write<KeyGroup>(keystore_, [&](Transaction& t) { return groups_.create(t, actor, name, spec); }));
  if (groups_changed_) groups_changed_();
  return group;
}

Result<KeyGroup> KeyManager::modify_group(const Actor& actor, std::string_view name, const GroupSpec& spec) {
  auto group =
      TRY(write<KeyGroup>(keystore_, [&](Transaction& t) { return groups_.modify(t, actor, name, spec); }));
  if (groups_changed_) groups_changed_();
  return group;
}

Status KeyManager::remove_group(const Actor& actor, std::string_view name) {
  return change(keystore_, [&](Transaction& t) { return groups_.remove(t, actor, name); });
}

Status KeyManager::set_default_group(const Actor& actor, std::string_view name) {
  return change(keystore_, [&](Transaction& t) { return groups_.set_default(t, actor, name); });
}

Status KeyManager::add_alias(const Actor& actor, std::string_view group, std::string_view alias) {
  return change(keystore_, [&](Transaction& t) { return groups_.add_alias(t, actor, group, alias); });
}

Status KeyManager::move_alias(const Actor& actor, std::string_view alias, std::string_view from,
                              std::string_view to) {
  return change(keystore_, [&](Transaction& t) { return groups_.move_alias(t, actor, alias, from, to); });
}

Status KeyManager::remove_alias(const Actor& actor, std::string_view group, std::string_view alias) {
  return change(keystore_, [&](Transaction& t) { return groups_.remove_alias(t, actor, group, alias); });
}

Result<std::vector<GroupStatus>> KeyManager::list_groups() {
  return look<std::vector<GroupStatus>>(keystore_, [&](Reader& r) -> Result<std::vector<GroupStatus>> {
    std::vector<GroupStatus> out;
    for (const auto& group : TRY(groups_.list(r))) out.push_back(TRY(groups_.status(r, group.name)));
    return out;
  });
}

Result<GroupStatus> KeyManager::group(std::string_view name) {
  return look<GroupStatus>(keystore_, [&](Reader& r) { return groups_.status(r, name); });
}

Result<KekView> KeyManager::generate_kek(const Actor& actor, const KekSpec& spec) {
  const NewKek made = TRY(keymgr::generate_kek(context_, spec));
  auto added = write<KekView>(keystore_, [&](Transaction& t) { return keks_.add(t, actor, made); });
  if (groups_changed_) groups_changed_();
  return added;
}

Result<KekView> KeyManager::import_kek_certificate(const Actor& actor, std::string_view pem,
                                                   const std::vector<std::string>& labels) {
  NewKek kek{TRY(crypto::Certificate::from_pem(pem)), std::nullopt, labels, KeyOrigin::kImported};
  // All that a public half is for is wrapping, for a holder who vouches for it no longer.
  if (kek.certificate.not_after() < context_.now()) {
    return fail(ErrorCode::kInvalidArgument,
                "the certificate expired on " + format_utc(kek.certificate.not_after()), "certificate",
                "ask its holder for a renewed one; a private half comes in as PKCS#12, expired or not");
  }
  return write<KekView>(keystore_, [&](Transaction& t) { return keks_.add(t, actor, kek); });
}

Result<KekView> KeyManager::import_kek_pkcs12(const Actor& actor, ByteView file,
                                              const crypto::SecretBytes& passphrase,
                                              const std::vector<std::string>& labels) {
  auto content = TRY(crypto::read_pkcs12(file, passphrase));
  NewKek kek{content.certificate, std::move(content.key), labels, KeyOrigin::kImported};
  auto added = write<KekView>(keystore_, [&](Transaction& t) { return keks_.add(t, actor, kek); });
  if (groups_changed_) groups_changed_();
  return added;
}

Result<Bytes> KeyManager::export_kek_pkcs12(const Actor& actor, const Hash256& id,
                                            const crypto::SecretBytes& passphrase, const Consent& consent) {
  return write<Bytes>(keystore_,
                      [&](Transaction& t) { return keks_.export_pkcs12(t, actor, id, passphrase, consent); });
}

Result<std::string> KeyManager::kek_certificate_request(const Hash256& id) {
  return look<std::string>(keystore_, [&](Reader& r) { return keks_.certificate_request(r, id); });
}

Result<KekView> KeyManager::replace_kek_certificate(const Actor& actor, std::string_view pem) {
  const auto certificate = TRY(crypto::Certificate::from_pem(pem));
  return write<KekView>(keystore_,
                        [&](Transaction& t) { return keks_.replace_certificate(t, actor, certificate); });
}

Status KeyManager::add_kek_label(const Actor& actor, const Hash256& id, std::string_view label) {
  return change(keystore_, [&](Transaction& t) { return keks_.add_label(t, actor, id, label); });
}

Status KeyManager::remove_kek_label(const Actor& actor, const Hash256& id, std::string_view label) {
  return change(keystore_, [&](Transaction& t) { return keks_.remove_label(t, actor, id, label); });
}

Result<Kek> KeyManager::change_kek_state(const Actor& actor, const Hash256& id, KeyState to) {
  TRY(check_reachable(to));
  auto kek = TRY(write<Kek>(keystore_, [&](Transaction& t) -> Result<Kek> {
    if (to != KeyState::kCompromised) return keks_.change_state(t, actor, id, to);
    (void)TRY(life_.compromise(t, actor, TRY(life_.kek(t, id))));
    return *TRY(keks_.find(t, id));
  }));
  if (keks_changed_) keks_changed_();
  return kek;
}

Result<Keks::Challenge> KeyManager::challenge_kek(const Hash256& id) {
  return look<Keks::Challenge>(keystore_, [&](Reader& r) { return keks_.prove_challenge(r, id); });
}

Status KeyManager::prove_kek(const Actor& actor, const Hash256& id, const Keks::Challenge& challenge,
                             const crypto::SecretBytes& answer) {
  return change(keystore_, [&](Transaction& t) { return keks_.prove(t, actor, id, challenge, answer); });
}

Result<KekView> KeyManager::kek(const Hash256& id) {
  return look<KekView>(keystore_, [&](Reader& r) -> Result<KekView> {
    auto kek = TRY(found(TRY(keks_.find(r, id)), "KEK", to_hex(id)));
    return KekView{std::move(kek), TRY(keks_.labels_of(r, id))};
  });
}

Result<Page<KekView>> KeyManager::list_keks(const PageRequest& page, std::optional<KeyState> state) {
  return look<Page<KekView>>(keystore_, [&](Reader& r) { return keks_.list(r, page, state); });
}

Result<std::vector<LabelConflict>> KeyManager::label_conflicts() {
  return look<std::vector<LabelConflict>>(keystore_, [&](Reader& r) { return keks_.conflicts(r); });
}

Result<std::vector<ExpiryWarning>> KeyManager::expiring_keks() {
  return look<std::vector<ExpiryWarning>>(keystore_, [&](Reader& r) { return keks_.expiring(r); });
}

Result<AccessRule> KeyManager::add_access_rule(const Actor& actor, const AccessRule& rule) {
  return write<AccessRule>(keystore_, [&](Transaction& t) { return access_.add(t, actor, rule); });
}

Status KeyManager::remove_access_rule(const Actor& actor, const Uuid& id) {
  return change(keystore_, [&](Transaction& t) { return access_.remove(t, actor, id); });
}

Result<Page<AccessRule>> KeyManager::list_access_rules(const PageRequest& page) {
  return look<Page<AccessRule>>(keystore_, [&](Reader& r) { return access_.list(r, page); });
}

Result<std::vector<std::pair<std::string, std::string>>> KeyManager::list_settings() {
  using Pairs = std::vector<std::pair<std::string, std::string>>;
  return look<Pairs>(keystore_, [&](Reader& r) { return settings_.list(r); });
}

Status KeyManager::set_setting(const Actor& actor, std::string_view name, std::string_view value,
                               const Consent& consent) {
  return change(keystore_, [&](Transaction& t) { return settings_.set(t, actor, name, value, consent); });
}

Status KeyManager::unset_setting(const Actor& actor, std::string_view name) {
  return change(keystore_, [&](Transaction& t) { return settings_.unset(t, actor, name); });
}

Result<KeyRef> KeyManager::key_ref(std::string_view alias) {
  return look<KeyRef>(keystore_, [&](Reader& r) { return life_.data_key(r, alias); });
}

Result<KeyRef> KeyManager::kek_ref(const Hash256& id) {
  return look<KeyRef>(keystore_, [&](Reader& r) { return life_.kek(r, id); });
}

Result<KeyHold> KeyManager::hold_key(const Actor& actor, const KeyRef& key, std::string_view reason,
                                     WallTime until) {
  return write<KeyHold>(keystore_, [&](Transaction& t) { return life_.hold(t, actor, key, reason, until); });
}

Status KeyManager::remove_hold(const Actor& actor, const KeyRef& key, const Uuid& hold,
                               const Consent& consent) {
  return change(keystore_, [&](Transaction& t) { return life_.remove_hold(t, actor, key, hold, consent); });
}

Result<std::vector<KeyHold>> KeyManager::holds_of(const KeyRef& key) {
  return look<std::vector<KeyHold>>(keystore_, [&](Reader& r) { return life_.holds_of(r, key); });
}

Status KeyManager::quarantine_key(const Actor& actor, const KeyRef& key) {
  return change(keystore_, [&](Transaction& t) { return life_.quarantine(t, actor, key); });
}

Status KeyManager::release_key(const Actor& actor, const KeyRef& key) {
  return change(keystore_, [&](Transaction& t) { return life_.release(t, actor, key); });
}

Result<Tombstone> KeyManager::compromise_key(const Actor& actor, const KeyRef& key) {
  return write<Tombstone>(keystore_, [&](Transaction& t) { return life_.compromise(t, actor, key); });
}

Result<KeyManager::Destroyed> KeyManager::destroy_key(const Actor& actor, const KeyRef& key,
                                                      const Destruction& what, const Consent& consent) {
  Destroyed out;
  out.tombstone = TRY(write<Tombstone>(
      keystore_, [&](Transaction& t) { return life_.destroy(t, actor, key, what, consent); }));
  if (key.kind == KeyKind::kKek && keks_changed_) keks_changed_();
  out.scrubbed = keystore_.wait_scrubbed(kScrubPatience).has_value();
  return out;
}

Result<std::optional<Tombstone>> KeyManager::tombstone_of(const KeyRef& key) {
  return look<std::optional<Tombstone>>(
      keystore_, [&](Reader& r) { return life_.find_tombstone(r, key.kind, key.fingerprint); });
}

Result<Page<SealedBy>> KeyManager::cartridges_of(const LedgerKey& key, CartridgeFilter filter,
                                                 const PageRequest& page) {
  return look<Page<SealedBy>>(keystore_,
                              [&](Reader& r) { return keymgr::cartridges_of(r, key, filter, page); });
}

Result<std::int64_t> KeyManager::count_sealed(const KeyRef& key, CartridgeFilter filter) {
  return look<std::int64_t>(keystore_, [&](Reader& r) { return life_.count_sealed(r, key, filter); });
}

Result<std::int64_t> KeyManager::count_cartridges(const LedgerKey& key, CartridgeFilter filter) {
  return look<std::int64_t>(keystore_, [&](Reader& r) { return keymgr::count_cartridges(r, key, filter); });
}

Result<Quota> KeyManager::add_quota(const Actor& actor, const Quota& quota) {
  return write<Quota>(keystore_, [&](Transaction& t) { return quotas_.add(t, actor, quota); });
}

Status KeyManager::remove_quota(const Actor& actor, const Uuid& id) {
  return change(keystore_, [&](Transaction& t) { return quotas_.remove(t, actor, id); });
}

Result<std::vector<QuotaUse>> KeyManager::list_quotas() {
  return look<std::vector<QuotaUse>>(keystore_, [&](Reader& r) { return quotas_.list(r); });
}

Result<Page<LedgerEntry>> KeyManager::query_ledger(const LedgerQuery& query, const PageRequest& page) {
  return look<Page<LedgerEntry>>(keystore_, [&](Reader& r) { return ledger_.query(r, query, page); });
}

Result<std::vector<ServerRow>> KeyManager::list_servers() {
  return look<std::vector<ServerRow>>(keystore_, [&](Reader& r) -> Result<std::vector<ServerRow>> {
    std::vector<ServerRow> out;
    for (const auto& row : TRY(r.query(kServerTable, "1 ORDER BY id", {}))) {
      out.push_back(ServerRow::from_row(row));
    }
    return out;
  });
}

Status KeyManager::put_server(const Actor& actor, const ServerRow& server) {
  TRY(crypto::Certificate::from_der(server.signing_certificate));
  TRY(crypto::Certificate::from_der(server.exchange_certificate));
  if (server.id == context_.server) {
    return fail(ErrorCode::kInvalidArgument, "this is the server itself", "server");
  }
  return change(keystore_, [&](Transaction& t) -> Status {
    ServerRow row = server;
    const auto known = TRY(t.get(kServerTable, {to_bytes(server.id.view())}));
    if (known) row.epoch = std::max(row.epoch, ServerRow::from_row(*known).epoch);
    TRY(t.put(kServerTable, row.to_row()));
    note(t, context_,
         {.type = AuditType::kConfigurationManagement,
          .action = "server.put",
          .actor = actor,
          .fields = {{"id", server.id.text()}, {"name", server.name}}});
    return {};
  });
}

Status KeyManager::adopt_certificates(const Actor& actor, const crypto::Certificate& signing,
                                      const crypto::Certificate& exchange) {
  if (TRY(signing.public_key()) != context_.signing_key.public_key() ||
      TRY(exchange.public_key()) != context_.exchange_key.public_key()) {
    return fail(ErrorCode::kInvalidArgument, "the certificates are not of this server's keys", "certificate");
  }
  TRY(change(keystore_, [&](Transaction& t) -> Status {
    const store::Value id = to_bytes(context_.server.view());
    const auto row = TRY(t.get(kServerTable, {id}));
    if (!row) return fail(ErrorCode::kCorrupt, "this server's identity is not in its keystore");
    ServerRow server = ServerRow::from_row(*row);
    server.signing_certificate = signing.der();
    server.exchange_certificate = exchange.der();
    TRY(t.put(kServerTable, server.to_row()));
    note(t, context_,
         {.type = AuditType::kConfigurationManagement,
          .action = "server.certify",
          .actor = actor,
          .fields = {{"signing", to_hex(signing.fingerprint())},
                     {"exchange", to_hex(exchange.fingerprint())}}});
    return {};
  }));
  context_.signing_certificate = signing;
  context_.exchange_certificate = exchange;
  return {};
}

}  // namespace tapewarden::keymgr
