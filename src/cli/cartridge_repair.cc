// Repairing the key areas of a cartridge: from its own copies, or from the key server's ledger.
#include "base/base64.h"
#include "base/text.h"
#include "cli/cartridge_actions.h"
#include "cli/report.h"
#include "cli/server_session.h"
#include "eedk/data_key_identifier.h"
#include "keyproxy/seal_bytes.h"
#include "tape/medium/cartridge.h"
#include "tape/medium/inspect.h"

namespace tapewarden::cli {
namespace {

namespace json = boost::json;

constexpr std::size_t kAuthorityFileLimit = 1U << 20;

std::string text_of(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

// What the last session on the tape was sealed with: only key information of that key may be put back.
std::optional<std::string> wanted_check_value(const tape::Inspection& inspection) {
  std::optional<std::string> wanted;
  for (const auto& session : inspection.sessions) {
    if (session.encrypted) wanted = to_hex(session.check_value);
  }
  return wanted;
}

// EEDKs that the key server made anew for the same data key go before those that the cartridge was written
// with: no drive confirms them, the seal vouches for them.
const json::object* newest_rekey(const json::array& rows, const json::object* best) {
  const auto key = text_of(*best, "key_check_value");
  for (const auto& value : rows) {  // newest first
    const auto& row = value.get_object();
    if (&row == best) return best;
    const bool same = text_of(row, "key_check_value") == key && !text_of(row, "eedks").empty();
    if (same && text_of(row, "purpose") == "rekey") return &row;
  }
  return best;
}

// The newest row that gave the cartridge its key: one that a drive confirmed before one that none did.
Result<json::object> newest_row(const json::array& rows, const std::optional<std::string>& wanted) {
  const json::object* best = nullptr;
  bool best_confirmed = false;
  for (const auto& value : rows) {  // newest first
    const auto& row = value.get_object();
    const auto purpose = text_of(row, "purpose");
    if (purpose != "write" && purpose != "rekey") continue;
    if (wanted && text_of(row, "key_check_value") != *wanted) continue;
    if (text_of(row, "eedks").empty() && text_of(row, "dki").empty()) continue;
    const bool confirmed = text_of(row, "state") == "confirmed";
    if (best == nullptr || (confirmed && !best_confirmed)) {
      best = &row;
      best_confirmed = confirmed;
    }
  }
  if (best != nullptr && (best_confirmed || wanted)) return *newest_rekey(rows, best);
  return fail(ErrorCode::kNotFound,
              wanted ? "the ledger holds no key information of the key that sealed this cartridge"
                     : "the ledger holds no confirmed key information of this volume",
              "--from-ledger", "ask the key server that wrote it: tapewarden ledger query --volume UUID");
}

// With --site the key server's signing certificate must come from the site's authority, too.
Status check_issuer(Context& context, const crypto::Certificate& certificate) {
  if (context.globals.site.empty()) return {};
  const auto pem =
      TRY(read_file(*context.env.disk, context.globals.site + "/ca/authority.crt", kAuthorityFileLimit));
  if (certificate.signed_by(TRY(crypto::Certificate::from_pem(as_text(pem))))) return {};
  return fail(ErrorCode::kUnauthenticated,
              "the site's authority did not issue the certificate of the key server that sealed the EEDKs",
              "--site", "name the site whose key server wrote the cartridge");
}

Status check_seal(Context& context, ServerSession& server, const eedk::EedkSet& set) {
  if (!set.seal) {
    return fail(ErrorCode::kPermissionDenied, "the ledger's EEDKs carry no key server's seal", "seal");
  }
  for (const auto& value : TRY(server.list("/v1/servers"))) {
    const auto& known = value.get_object();
    if (text_of(known, "id") != set.seal->server.text()) continue;
    const auto* object = known.if_contains("signing_certificate");
    if (object == nullptr || !object->is_object()) continue;
    const auto certificate = TRY(crypto::Certificate::from_pem(text_of(object->get_object(), "pem")));
    TRY(eedk::verify_seal(set, certificate));
    return check_issuer(context, certificate);
  }
  return fail(ErrorCode::kNotFound, "the key server that sealed the EEDKs is not known", "seal",
              "see `tapewarden servers`");
}

Result<tape::KeyInfo> wrapped_info(Context& context, ServerSession& server, const json::object& row,
                                   const Uuid& volume) {
  const auto set = TRY(eedk::decode_eedk_set(TRY(from_base64(text_of(row, "eedks"), "eedks"))));
  if (set.volume != volume) {
    return fail(ErrorCode::kCorrupt, "the ledger's EEDKs belong to another volume", "eedks");
  }
  TRY(check_seal(context, server, set));
  return keyproxy::to_key_info(set);
}

Result<tape::KeyInfo> identified_info(const json::object& row) {
  tape::KeyInfo info;
  info.method = tape::KeyMethod::kIdentifiedKey;
  info.akad = TRY(from_hex(text_of(row, "dki")));
  const auto check = TRY(from_hex(text_of(row, "key_check_value")));
  tape::KeyCheckValue value{};
  if (info.akad.size() != eedk::kDataKeyIdentifierBytes || check.size() != value.size()) {
    return fail(ErrorCode::kCorrupt, "the ledger's row holds no usable identifier", "dki");
  }
  copy_bytes(value, check);
  info.check_value = value;
  return info;
}

Result<tape::KeyInfo> info_from_ledger(Context& context, const tape::Inspection& inspection,
                                       std::string& told) {
  auto server = TRY(ServerSession::open(context));
  const Uuid volume = inspection.current.volume;
  const auto rows = TRY(server.list("/v1/ledger?limit=1000&volume=" + volume.text()));
  const auto row = TRY(newest_row(rows, wanted_check_value(inspection)));
  told = text_of(row, "purpose") + " of " + text_of(row, "issued") + ", " + text_of(row, "state");
  if (!text_of(row, "eedks").empty()) return wrapped_info(context, server, row, volume);
  return identified_info(row);
}

}  // namespace

Status repair_cartridge(Context& context, const Values& values) {
  const std::string path = values.text("FILE");
  std::optional<tape::KeyInfo> content;
  std::string told = "the cartridge's own copies";
  if (values.has("--from-ledger")) {
    std::string row;
    content = TRY(info_from_ledger(context, TRY(tape::inspect(context.env, path)), row));
    told = "the ledger (" + escape_unprintable(row) + ")";
  }
  auto cartridge = TRY(tape::Cartridge::open(context.env, path, tape::CartridgeMode::kReadWrite));
  const unsigned damaged = cartridge->key_info().damaged_copies();
  TRY(cartridge->repair_key_info(content ? &*content : nullptr));
  const auto& report = cartridge->key_info();
  const unsigned left = report.damaged_copies();
  print_report(context,
               {{"from", told},
                {"method", tape::to_string(report.info.method)},
                {"generation", report.generation},
                {"repaired_key_copies", damaged - left},
                {"damaged_key_copies", left}},
               "rewrote the key information from " + told + "; copies that were damaged: " +
                   std::to_string(damaged) + ", are now: " + std::to_string(left));
  return {};
}

}  // namespace tapewarden::cli
