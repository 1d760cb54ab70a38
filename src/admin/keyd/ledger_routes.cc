#include "admin/keyd/kek_lookup.h"
#include "admin/keyd/keyd_routes.h"
#include "admin/keyd/support.h"
#include "admin/keyd/views.h"

namespace tapewarden::admin {
namespace {

using keymgr::KeyManager;

FieldSpec filter(std::string_view name, std::string_view meaning) {
  return {.name = name, .place = FieldPlace::kQuery, .meaning = meaning, .limit = 128};
}

Result<keymgr::LedgerQuery> query_of(KeyManager& manager, const Arguments& arguments) {
  keymgr::LedgerQuery query;
  query.volser = arguments.text_or("volser", "");
  query.alias = arguments.text_or("alias", "");
  query.label = arguments.text_or("label", "");
  query.drive = arguments.text_or("drive", "");
  if (const auto text = arguments.optional_text("volume")) {
    const auto volume = Uuid::parse(*text);
    if (!volume) return fail(ErrorCode::kInvalidArgument, "this is not a volume's UUID", "volume", "");
    query.volume = *volume;
  }
  // A hash is looked for even when its KEK is no longer here.
  if (const auto text = arguments.optional_text("kek")) {
    const auto hash = parse_hash(*text, "kek");
    query.kek = hash ? *hash : TRY(find_kek_id(manager, *text));
  }
  if (const auto text = arguments.optional_text("from")) query.from = TRY(parse_time(*text, "from"));
  if (const auto text = arguments.optional_text("until")) query.until = TRY(parse_time(*text, "until"));
  return query;
}

}  // namespace

std::vector<Route> ledger_routes(KeyManager& manager) {
  RouteTable table("ledger");
  table.add("GET", "/v1/ledger", Permission::kView,
            "Tell which key sealed which cartridge, newest first; all filters given must fit.",
            {filter("volser", "the cartridge's volser"), filter("volume", "its volume UUID"),
             filter("alias", "the data key's alias"), filter("label", "a key label, either of the two"),
             filter("kek", "a KEK, by hash or label"), filter("drive", "the drive's serial"),
             filter("from", "issued at or after: 2026-11-21 or 2026-11-21T02:40:32Z"),
             filter("until", "issued before"), limit_field(), after_field()},
            "A page of entries.", [&manager](const Request& request) -> Result<Answer> {
              const auto query = TRY(query_of(manager, request.arguments));
              const auto page = TRY(manager.query_ledger(query, TRY(page_of(request.arguments))));
              return page_answer(page, [](const keymgr::LedgerEntry& entry) { return to_json(entry); });
            });
  return table.take();
}

}  // namespace tapewarden::admin
