#include "admin/keyd/keyd_routes.h"
#include "admin/keyd/support.h"
#include "keymgr/evidence/erasure_certificate.h"
#include "keymgr/evidence/evidence_pack.h"

namespace tapewarden::admin {
namespace {

using keymgr::KeyManager;

Result<Uuid> volume_of(const Arguments& arguments) {
  const auto volume = Uuid::parse(arguments.text("volume"));
  if (volume) return *volume;
  return fail(ErrorCode::kInvalidArgument, "this is not a volume's UUID", "volume", "");
}

Result<keymgr::CartridgeKey> cartridge_of(const Arguments& arguments) {
  keymgr::CartridgeKey key{arguments.text("volser"), TRY(volume_of(arguments)), {}};
  const auto text = arguments.optional_text("dki");
  if (!text || text->empty()) return key;
  const auto bytes = from_hex(*text);
  const auto dki = bytes ? eedk::DataKeyIdentifier::from_tape(*bytes) : std::unexpected(bytes.error());
  if (!dki)
    return fail(ErrorCode::kInvalidArgument, "this is no data key identifier", "dki", "24 hex digits");
  key.dki = *dki;
  return key;
}

Result<std::uint64_t> count_of(const Arguments& arguments, std::string_view field) {
  const auto number = arguments.integer(field).value_or(0);
  if (number >= 0) return static_cast<std::uint64_t>(number);
  return fail(ErrorCode::kInvalidArgument, "this counts from 0", std::string(field));
}

Result<keymgr::Erasure> erasure_of(const Arguments& arguments) {
  keymgr::Erasure erasure;
  erasure.cartridge = TRY(cartridge_of(arguments));
  erasure.method = arguments.text("method") == "overwrite" ? keymgr::ErasureMethod::kOverwrite
                                                           : keymgr::ErasureMethod::kCryptographic;
  erasure.began = TRY(parse_time(arguments.text("began"), "began"));
  erasure.ended = TRY(parse_time(arguments.text("ended"), "ended"));
  erasure.bytes_overwritten = TRY(count_of(arguments, "bytes_overwritten"));
  erasure.records_dropped = TRY(count_of(arguments, "records_dropped"));
  if (arguments.integer("partitions")) erasure.partitions = TRY(count_of(arguments, "partitions"));
  erasure.key_generation = TRY(count_of(arguments, "key_area_generation"));
  erasure.check_values = arguments.list("key_check_values");
  return erasure;
}

Result<Answer> same_key(KeyManager& manager, const Request& request) {
  json::array items;
  for (const auto& other : TRY(keymgr::sealed_with_same_key(manager, TRY(cartridge_of(request.arguments))))) {
    items.push_back(json::object{{"volser", other.volser},
                                 {"volume", other.volume.is_nil() ? std::string() : other.volume.text()},
                                 {"alias", other.alias},
                                 {"last", time_text(other.last)}});
  }
  return json_answer(json::object{{"items", std::move(items)}, {"next", ""}});
}

FieldSpec text_field(std::string_view name, FieldPlace place, bool required, std::string_view meaning) {
  return {.name = name, .place = place, .required = required, .meaning = meaning, .limit = 64};
}

FieldSpec number_field(std::string_view name, std::string_view meaning) {
  return {.name = name, .type = FieldType::kInteger, .meaning = meaning};
}

std::vector<FieldSpec> erasure_fields() {
  return {text_field("volser", FieldPlace::kBody, true, "the cartridge's volser"),
          text_field("volume", FieldPlace::kBody, true, "its volume UUID"),
          text_field("dki", FieldPlace::kBody, false, "the data key identifier that stood on it, in hex"),
          {.name = "method",
           .required = true,
           .meaning = "how it was erased",
           .choices = {"overwrite", "cryptographic"}},
          text_field("began", FieldPlace::kBody, true, "when, 2026-11-21T02:40:32Z"),
          text_field("ended", FieldPlace::kBody, true, "until when"),
          number_field("bytes_overwritten", "how much was overwritten"),
          number_field("records_dropped", "how many records it held"),
          number_field("partitions", "how many partitions it has, all of them erased: 1 unless given"),
          number_field("key_area_generation", "the generation of its key areas before"),
          {.name = "key_check_values",
           .type = FieldType::kTextList,
           .meaning = "of the keys that had sealed it, in hex",
           .limit = 64}};
}

}  // namespace

std::vector<Route> evidence_routes(KeyManager& manager, const AuditPlace& audit) {
  RouteTable table("ledger");
  table.add("GET", "/v1/ledger/{volser}/evidence", Permission::kView,
            "Sign everything that the ledger and the audit hold about a cartridge, for checking it offline.",
            {}, "The evidence pack: a text file, to be kept as it is.",
            [&manager, audit](const Request& request) -> Result<Answer> {
              const auto pack =
                  TRY(keymgr::make_evidence(manager, {audit.disk, audit.directory},
                                            actor_of(request.principal), request.arguments.text("volser")));
              return json_answer(json::object{{"pack", pack}});
            });
  table.add("GET", "/v1/ledger/same-key", Permission::kView,
            "List the other cartridges that the key of a cartridge seals: before it is destroyed.",
            {text_field("volser", FieldPlace::kQuery, true, "the cartridge's volser"),
             text_field("volume", FieldPlace::kQuery, true, "its volume UUID"),
             text_field("dki", FieldPlace::kQuery, false, "the data key identifier on it, in hex")},
            "The other cartridges.",
            [&manager](const Request& request) { return same_key(manager, request); });
  table.add("POST", "/v1/erasures", Permission::kCertifyErasure,
            "Sign a certificate of erasure for a cartridge that was erased.", erasure_fields(),
            "The certificate: a text file, to be kept as it is.",
            [&manager](const Request& request) -> Result<Answer> {
              const auto made = TRY(keymgr::certify_erasure(manager, actor_of(request.principal),
                                                            TRY(erasure_of(request.arguments))));
              return json_answer(json::object{{"certificate", made}}, 201);
            });
  return table.take();
}

}  // namespace tapewarden::admin
