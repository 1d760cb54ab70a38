#include "keymgr/drive_table.h"

#include <algorithm>
#include <cctype>

#include "base/text.h"
#include "crypto/certificate.h"
#include "crypto/hash.h"
#include "eedk/data_key_identifier.h"
#include "keymgr/audit_note.h"
#include "keymgr/key_groups.h"
#include "keymgr/tables.h"

namespace tapewarden::keymgr {
namespace {

Status check_label_choice(const LabelChoice& choice, std::string_view field) {
  if (choice.label.empty()) return {};
  return eedk::check_label(choice.label, field);
}

Status set_identity(Drive& drive, const Bytes& certificate) {
  drive.identity_hash = certificate.empty() ? Bytes() : TRY(identity_hash_of(certificate));
  drive.certificate = certificate;
  return {};
}

Status set_wrapping_key(Drive& drive, const Bytes& spki) {
  if (!spki.empty()) TRY(check_wrapping_key(spki));
  drive.wrapping_spki = spki;
  return {};
}

Status apply_change(Drive& drive, const DriveChange& change) {
  if (change.wwnn) drive.wwnn = TRY(canonical_wwnn(*change.wwnn));
  if (change.kind) drive.kind = *change.kind;
  if (change.default_alias) {
    drive.default_alias =
        change.default_alias->empty() ? std::string() : TRY(eedk::canonical_alias(*change.default_alias));
  }
  if (change.default_group) {
    drive.default_group =
        change.default_group->empty() ? std::string() : TRY(canonical_group(*change.default_group));
  }
  if (change.label_1) drive.label_1 = *change.label_1;
  if (change.label_2) drive.label_2 = *change.label_2;
  TRY(check_label_choice(drive.label_1, "label_1"));
  TRY(check_label_choice(drive.label_2, "label_2"));
  if (change.certificate) TRY(set_identity(drive, *change.certificate));
  if (change.wrapping_spki) TRY(set_wrapping_key(drive, *change.wrapping_spki));
  if (!drive.default_alias.empty() && !drive.default_group.empty()) {
    return fail(ErrorCode::kInvalidArgument, "a drive has a default alias or a default group, not both",
                "default_group", "clear the default alias to use the group");
  }
  if (drive.label_1.label.empty() && !drive.label_2.label.empty()) {
    return fail(ErrorCode::kInvalidArgument, "label 2 is set without label 1", "label_1", "set label 1");
  }
  return {};
}

bool offers_anything(const Drive& drive) {
  return !drive.offered_certificate.empty() || !drive.offered_wrapping_spki.empty() ||
         !drive.offered_proxy.empty();
}

// What a request shows of a drive beyond what is pinned, as far as it can be pinned at all.
void note_offer(Drive& drive, const Caller& caller) {
  const bool own_key = !caller.identity.empty();
  if (own_key) {
    const auto identity = identity_hash_of(caller.identity.der());
    if (identity && *identity != drive.identity_hash) drive.offered_certificate = caller.identity.der();
  }
  // For a drive whose identity is pinned no proxy offers anything: it could vouch by a certificate of its
  // own.
  const bool proxied = caller.proxy.has_value() && drive.identity_hash.empty();
  const bool vouched = own_key ? caller.wrapping_vouched : proxied;
  const bool wraps = vouched && !caller.wrapping_spki.empty() && check_wrapping_key(caller.wrapping_spki);
  if (wraps && caller.wrapping_spki != drive.wrapping_spki)
    drive.offered_wrapping_spki = caller.wrapping_spki;
  if (!own_key && proxied) {
    drive.offered_proxy = to_bytes(ByteView(*caller.proxy));
    drive.offered_proxy_name = escape_unprintable(caller.proxy_name.substr(0, kMaximumProxyNameCharacters));
  }
}

void drop_offer(Drive& drive) {
  drive.offered_certificate.clear();
  drive.offered_wrapping_spki.clear();
  drive.offered_proxy.clear();
  drive.offered_proxy_name.clear();
}

// The offered certificate, keys and proxy take the place of what was pinned.
Status pin_offer(Drive& drive) {
  if (!drive.offered_certificate.empty()) TRY(set_identity(drive, drive.offered_certificate));
  if (!drive.offered_wrapping_spki.empty()) TRY(set_wrapping_key(drive, drive.offered_wrapping_spki));
  drop_offer(drive);
  return {};
}

std::vector<std::pair<std::string_view, std::string>> audit_fields(const Drive& drive) {
  std::vector<std::pair<std::string_view, std::string>> fields{{"serial", drive.serial},
                                                               {"wwnn", drive.wwnn},
                                                               {"kind", std::string(to_string(drive.kind))},
                                                               {"state", std::string(to_string(drive.state))},
                                                               {"default_alias", drive.default_alias},
                                                               {"default_group", drive.default_group},
                                                               {"label_1", drive.label_1.label},
                                                               {"label_2", drive.label_2.label},
                                                               {"identity", to_hex(drive.identity_hash)}};
  if (!drive.wrapping_spki.empty()) {
    fields.emplace_back("wrapping_key", to_hex(crypto::sha256(drive.wrapping_spki)));
  }
  return fields;
}

}  // namespace

Result<std::string> canonical_serial(std::string_view serial) {
  const bool printable = is_printable(serial) && serial.find(' ') == std::string_view::npos;
  const bool plain =
      std::ranges::all_of(serial, [](char c) { return std::isalnum(static_cast<unsigned char>(c)); });
  if (printable && serial.size() == kSerialCharacters) return to_upper(serial);
  if (printable && plain && serial.size() == 10) return "00" + to_upper(serial);
  return fail(ErrorCode::kInvalidArgument, "a drive's serial has 12 characters, or 10 that get 00 in front",
              "serial", "use the serial that the library shows, without blanks");
}

Result<std::string> canonical_wwnn(std::string_view wwnn) {
  if (wwnn.empty()) return std::string();
  const auto bytes = from_hex(wwnn);
  if (!bytes || bytes->size() != 8) {
    return fail(ErrorCode::kInvalidArgument, "a world wide node name has 16 hexadecimal digits", "wwnn");
  }
  return to_upper(wwnn);
}

Result<Bytes> identity_hash_of(ByteView certificate_der) {
  const auto certificate = TRY(crypto::Certificate::from_der(certificate_der));
  const auto key = TRY(certificate.public_key());
  if (key.kind() != crypto::KeyKind::kEcP256) {
    return fail(ErrorCode::kInvalidArgument, "a drive's identity key is a P-256 key", "certificate");
  }
  return to_bytes(ByteView(key.spki_hash()));
}

Status check_wrapping_key(ByteView spki) {
  const auto key = TRY(crypto::PublicKey::from_spki(spki));
  if (key.kind() == crypto::KeyKind::kRsa) return {};
  return fail(ErrorCode::kInvalidArgument, "a drive's wrapping key is an RSA key", "wrapping_key");
}

Result<std::optional<Drive>> DriveTable::find(store::Reader& reader, std::string_view serial) const {
  const auto row = TRY(reader.get(kDriveTable, {TRY(canonical_serial(serial))}));
  if (!row) return std::optional<Drive>();
  return std::optional(Drive::from_row(*row));
}

Result<Drive> DriveTable::require(store::Reader& reader, std::string_view serial) const {
  auto drive = TRY(find(reader, serial));
  if (drive) return *std::move(drive);
  return fail(ErrorCode::kNotFound, "drive " + TRY(canonical_serial(serial)) + " is not in the drive table",
              "serial", "add it, or let it ask once and accept it");
}

Status DriveTable::put(store::Transaction& transaction, const Actor& actor, std::string_view action,
                       const Drive& drive) const {
  TRY(transaction.put(kDriveTable, drive.to_row()));
  note(transaction, context_,
       {.type = AuditType::kResourceManagement,
        .action = action,
        .actor = actor,
        .fields = audit_fields(drive)});
  return {};
}

Result<Drive> DriveTable::add(store::Transaction& transaction, const Actor& actor, std::string_view serial,
                              const DriveChange& change) const {
  Drive drive;
  drive.serial = TRY(canonical_serial(serial));
  if (TRY(find(transaction, drive.serial))) {
    return fail(ErrorCode::kAlreadyExists, "drive " + drive.serial + " is in the drive table already",
                "serial", "modify it, or accept it when it is pending");
  }
  const auto count = TRY(transaction.aggregate(kDriveTable, "COUNT(*)", "1", {}));
  if (count >= static_cast<std::int64_t>(kMaximumDrives)) {
    return fail(ErrorCode::kExhausted, "the drive table is full", {}, "remove drives no longer used");
  }
  TRY(apply_change(drive, change));
  drive.state = DriveState::kAccepted;
  drive.first_seen = drive.decided_at = context_.now();
  drive.decided_by = actor.name;
  TRY(put(transaction, actor, "drive.add", drive));
  return drive;
}

Result<Drive> DriveTable::modify(store::Transaction& transaction, const Actor& actor, std::string_view serial,
                                 const DriveChange& change) const {
  Drive drive = TRY(require(transaction, serial));
  TRY(apply_change(drive, change));
  TRY(put(transaction, actor, "drive.modify", drive));
  return drive;
}

Status DriveTable::erase(store::Transaction& transaction, const Actor& actor, std::string_view serial) const {
  for (const auto& row : TRY(transaction.query(kProxyDriveTable, "serial = ?", {std::string(serial)}))) {
    TRY(forbid_proxy(transaction, actor, ProxyDrive::from_row(row).proxy, serial));
  }
  TRY(transaction.erase(kDriveTable, {std::string(serial)}));
  note(transaction, context_,
       {.type = AuditType::kResourceManagement,
        .action = "drive.remove",
        .actor = actor,
        .fields = {{"serial", std::string(serial)}}});
  return {};
}

Status DriveTable::remove(store::Transaction& transaction, const Actor& actor,
                          std::string_view serial) const {
  return erase(transaction, actor, TRY(require(transaction, serial)).serial);
}

Result<Page<Drive>> DriveTable::list(store::Reader& reader, std::optional<DriveState> state,
                                     const PageRequest& page) const {
  const auto limit = static_cast<std::int64_t>(std::min(page.limit, kMaximumPage));
  const auto rows =
      state ? TRY(reader.query(kDriveTable, "state = ? AND serial > ? ORDER BY serial LIMIT ?",
                               {static_cast<std::int64_t>(*state), page.after, limit}))
            : TRY(reader.query(kDriveTable, "serial > ? ORDER BY serial LIMIT ?", {page.after, limit}));
  Page<Drive> out;
  for (const auto& row : rows) out.items.push_back(Drive::from_row(row));
  if (limit > 0 && out.items.size() == static_cast<std::size_t>(limit)) out.next = out.items.back().serial;
  return out;
}

Result<Drive> DriveTable::accept(store::Transaction& transaction, const Actor& actor, std::string_view serial,
                                 const std::optional<Hash256>& expected_identity) const {
  Drive drive = TRY(require(transaction, serial));
  if (expected_identity) {
    const Bytes shown = drive.offered_certificate.empty() ? drive.offered_proxy
                                                          : TRY(identity_hash_of(drive.offered_certificate));
    if (!equal(shown, *expected_identity)) {
      return fail(ErrorCode::kConflict, "drive " + drive.serial + " offered another identity", "identity",
                  "compare with the identity that the drive itself shows; reject it when they differ");
    }
  }
  if (!drive.offered_proxy.empty()) {
    ProxyDrive entry{
        .proxy = {}, .serial = drive.serial, .proxy_name = drive.offered_proxy_name, .added = context_.now()};
    copy_bytes(entry.proxy, drive.offered_proxy);
    TRY(put_proxy(transaction, actor, entry));
  }
  TRY(pin_offer(drive));
  drive.state = DriveState::kAccepted;
  drive.decided_at = context_.now();
  drive.decided_by = actor.name;
  TRY(put(transaction, actor, "drive.accept", drive));
  return drive;
}

Result<Drive> DriveTable::reject(store::Transaction& transaction, const Actor& actor,
                                 std::string_view serial) const {
  Drive drive = TRY(require(transaction, serial));
  drive.state = DriveState::kRejected;
  drive.decided_at = context_.now();
  drive.decided_by = actor.name;
  TRY(put(transaction, actor, "drive.reject", drive));
  return drive;
}

Result<Drive> DriveTable::dismiss_offer(store::Transaction& transaction, const Actor& actor,
                                        std::string_view serial) const {
  Drive drive = TRY(require(transaction, serial));
  drop_offer(drive);
  TRY(put(transaction, actor, "drive.dismiss-offer", drive));
  return drive;
}

Result<Discovery> DriveTable::discover(store::Transaction& transaction, const Caller& caller,
                                       bool accept_now) const {
  const std::string serial = TRY(canonical_serial(caller.serial));
  const auto known = TRY(find(transaction, serial));
  Drive drive;
  if (known) {
    // A second caller cannot push the first one's offer out before an operator looked at it.
    if (known->state == DriveState::kRejected || offers_anything(*known)) return Discovery{known, false};
    drive = *known;
  } else {
    const auto pending = TRY(transaction.aggregate(kDriveTable, "COUNT(*)", "state = ?",
                                                   {static_cast<std::int64_t>(DriveState::kPending)}));
    if (pending >= static_cast<std::int64_t>(kMaximumPendingDrives)) return Discovery{};
    drive.serial = serial;
    drive.wwnn = canonical_wwnn(caller.wwnn).value_or(std::string());
    drive.kind = caller.kind;
    drive.first_seen = context_.now();
  }
  note_offer(drive, caller);
  if (known && !offers_anything(drive)) return Discovery{known, false};
  const std::string name = caller.proxy ? drive.offered_proxy_name : serial;
  TRY(put(transaction, {name, ActorKind::kDevice}, "drive.discover", drive));
  // Only a drive without pins is taken at its first word; a changed identity always waits for an operator.
  const bool unpinned = drive.identity_hash.empty() && drive.wrapping_spki.empty();
  if (!accept_now || !unpinned) return Discovery{drive, false};
  return Discovery{TRY(accept(transaction, Actor::system(), serial)), true};
}

Status DriveTable::put_proxy(store::Transaction& transaction, const Actor& actor,
                             const ProxyDrive& entry) const {
  TRY(transaction.put(kProxyDriveTable, entry.to_row()));
  note(transaction, context_,
       {.type = AuditType::kConfigurationManagement,
        .action = "proxy.allow",
        .actor = actor,
        .fields = {{"proxy", to_hex(entry.proxy)}, {"name", entry.proxy_name}, {"serial", entry.serial}}});
  return {};
}

Status DriveTable::allow_proxy(store::Transaction& transaction, const Actor& actor, const Hash256& proxy,
                               std::string_view proxy_name, std::string_view serial) const {
  if (proxy_name.size() > kMaximumProxyNameCharacters || !is_printable(proxy_name)) {
    return fail(ErrorCode::kInvalidArgument, "the proxy's name is too long or not printable", "name");
  }
  return put_proxy(transaction, actor,
                   {proxy, TRY(canonical_serial(serial)), std::string(proxy_name), context_.now()});
}

Status DriveTable::forbid_proxy(store::Transaction& transaction, const Actor& actor, const Hash256& proxy,
                                std::string_view serial) const {
  const std::string canonical = TRY(canonical_serial(serial));
  if (!TRY(proxy_may_speak(transaction, proxy, canonical))) {
    return fail(ErrorCode::kNotFound, "no proxy with this certificate may speak for drive " + canonical,
                "proxy", "see `tapewarden proxy list` for the pairs that there are");
  }
  TRY(transaction.erase(kProxyDriveTable, {to_bytes(ByteView(proxy)), canonical}));
  note(transaction, context_,
       {.type = AuditType::kConfigurationManagement,
        .action = "proxy.forbid",
        .actor = actor,
        .fields = {{"proxy", to_hex(proxy)}, {"serial", canonical}}});
  return {};
}

Result<bool> DriveTable::proxy_may_speak(store::Reader& reader, const Hash256& proxy,
                                         std::string_view serial) const {
  return TRY(reader.get(kProxyDriveTable, {to_bytes(ByteView(proxy)), std::string(serial)})).has_value();
}

Result<std::vector<ProxyDrive>> DriveTable::list_proxies(store::Reader& reader) const {
  std::vector<ProxyDrive> out;
  for (const auto& row : TRY(reader.query(kProxyDriveTable, "1 ORDER BY proxy, serial", {}))) {
    out.push_back(ProxyDrive::from_row(row));
  }
  return out;
}

}  // namespace tapewarden::keymgr
