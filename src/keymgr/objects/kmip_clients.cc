#include "keymgr/objects/kmip_clients.h"

#include "base/text.h"
#include "keymgr/audit_note.h"
#include "keymgr/objects/tables.h"
#include "keymgr/row_codec.h"

namespace tapewarden::keymgr {
namespace {

constexpr std::int64_t kMayExport = 1;

// Names that differ in case alone are one name to people, and two to everything here.
Status check_alike(store::Reader& reader, const KmipClient& client) {
  for (const auto& row : TRY(reader.query(kKmipClientTable, "1 ORDER BY name", {}))) {
    const auto other = KmipClient::from_row(row);
    for (const auto& [field, mine] : {std::pair("name", client.name), std::pair("owner", client.owner)}) {
      for (const auto& theirs : {other.name, other.owner}) {
        if (mine == theirs || to_upper(mine) != to_upper(theirs)) continue;
        return fail(ErrorCode::kAlreadyExists, "it differs from \"" + theirs + "\" in case alone", field,
                    "write it in the same way, or choose another name");
      }
    }
  }
  return {};
}

}  // namespace

store::Row KmipClient::to_row() const {
  return RowWriter(kKmipClientTable)
      .text(name)
      .blob(fingerprint)
      .text(owner)
      .text(user)
      .blob(salt)
      .blob(sealed_verifier)
      .integer(static_cast<std::int64_t>(cost.n))
      .integer(cost.r)
      .integer(cost.p)
      .integer(may_export ? kMayExport : 0)
      .time(added)
      .take();
}

KmipClient KmipClient::from_row(const store::Row& row) {
  RowReader in(kKmipClientTable, row);
  KmipClient out;
  out.name = in.text();
  out.fingerprint = in.array<32>();
  out.owner = in.text();
  out.user = in.text();
  out.salt = in.blob();
  out.sealed_verifier = in.blob();
  out.cost.n = static_cast<std::uint64_t>(in.integer());
  out.cost.r = static_cast<std::uint32_t>(in.integer());
  out.cost.p = static_cast<std::uint32_t>(in.integer());
  out.may_export = (in.integer() & kMayExport) != 0;
  out.added = in.time();
  return out;
}

Result<KmipClient> KmipClients::add(store::Transaction& transaction, const Actor& actor, KmipClient client,
                                    const people::PasswordVerifier* password) const {
  client.name = TRY(canonical_kmip_client(client.name, "name"));
  const bool asked = !client.owner.empty();
  client.owner = client.owner.empty() ? client.name : TRY(canonical_kmip_client(client.owner, "owner"));
  if (!client.user.empty()) client.user = TRY(canonical_kmip_client(client.user, "user"));
  if (client.user.empty() != (password == nullptr)) {
    return fail(ErrorCode::kInvalidArgument, "a user and a password come together", "user",
                "give both, or neither: then the certificate alone is looked at");
  }
  client.added = context_.now();
  if (TRY(find(transaction, client.name))) {
    return fail(ErrorCode::kAlreadyExists, "there is a KMIP client of this name", "name",
                "choose another name, or remove that client first");
  }
  if (const auto other = TRY(find_by_certificate(transaction, client.fingerprint))) {
    return fail(ErrorCode::kAlreadyExists, "this certificate is that of the client " + other->name,
                "certificate", "give each client a certificate of its own");
  }
  TRY(check_alike(transaction, client));
  if (!asked && TRY(transaction.aggregate(kKmipClientTable, "COUNT(*)", "owner = ?", {client.owner})) > 0) {
    return fail(ErrorCode::kAlreadyExists, "other clients share the objects of a group of this name", "name",
                "choose another name; or name the group as well, if this client shall use its objects");
  }
  if (TRY(transaction.aggregate(kKmipClientTable, "COUNT(*)", "1", {})) >=
      static_cast<std::int64_t>(kMaximumKmipClients)) {
    return fail(ErrorCode::kExhausted, "there are too many KMIP clients", {}, "remove some that are unused");
  }
  const crypto::SecretBytes nothing;
  if (password != nullptr) {
    client.salt = password->salt;
    client.cost = password->cost;
  }
  const store::Value key = client.name;
  client.sealed_verifier = transaction.seal(kKmipClientTable, {&key, 1}, "verifier",
                                            password != nullptr ? password->hash : nothing);
  TRY(transaction.put(kKmipClientTable, client.to_row()));
  note(transaction, context_,
       {.type = AuditType::kConfigurationManagement,
        .action = "kmip.client.add",
        .actor = actor,
        .fields = {{"client", client.name},
                   {"certificate", to_hex(client.fingerprint)},
                   {"owner", client.owner},
                   {"user", client.user},
                   {"may_export", client.may_export ? "yes" : "no"}}});
  return client;
}

Status KmipClients::remove(store::Transaction& transaction, const Actor& actor, std::string_view name) const {
  const auto client = TRY(find(transaction, name));
  if (!client) return fail(ErrorCode::kNotFound, "there is no KMIP client of this name", "name");
  TRY(transaction.erase(kKmipClientTable, {client->name}));
  note(transaction, context_,
       {.type = AuditType::kConfigurationManagement,
        .action = "kmip.client.remove",
        .actor = actor,
        .fields = {{"client", client->name}, {"certificate", to_hex(client->fingerprint)}}});
  return {};
}

Result<std::optional<KmipClient>> KmipClients::find(store::Reader& reader, std::string_view name) const {
  const auto row = TRY(reader.get(kKmipClientTable, {std::string(name)}));
  if (!row) return std::nullopt;
  return KmipClient::from_row(*row);
}

Result<std::optional<KmipClient>> KmipClients::find_by_certificate(store::Reader& reader,
                                                                   const Hash256& fingerprint) const {
  const auto rows = TRY(reader.query(kKmipClientTable, "fingerprint = ? ORDER BY added, name LIMIT 1",
                                     {to_bytes(ByteView(fingerprint))}));
  if (rows.empty()) return std::nullopt;
  return KmipClient::from_row(rows.front());
}

Result<people::PasswordVerifier> KmipClients::verifier_of(store::Reader& reader,
                                                          const KmipClient& client) const {
  return people::PasswordVerifier{
      client.salt, client.cost,
      TRY(reader.unseal(kKmipClientTable, client.to_row(), kKmipClientVerifierColumn))};
}

Result<std::vector<KmipClient>> KmipClients::list(store::Reader& reader) const {
  std::vector<KmipClient> out;
  for (const auto& row : TRY(reader.query(kKmipClientTable, "1 ORDER BY name", {}))) {
    out.push_back(KmipClient::from_row(row));
  }
  return out;
}

}  // namespace tapewarden::keymgr
