#include <map>

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

// The states in which the keys are now, not when the row was written.
class States {
 public:
  States(store::Reader& reader, const KeyManager& manager) : reader_(reader), manager_(manager) {}

  Result<std::string> of_alias(const std::string& alias) {
    if (alias.empty()) return std::string();
    if (const auto known = aliases_.find(alias); known != aliases_.end()) return known->second;
    std::string states;
    for (const auto& key : TRY(manager_.keys().find_all(reader_, alias))) {
      states += (states.empty() ? "" : ", ") + std::string(keymgr::to_string(key.state));
    }
    return aliases_[alias] = states.empty() ? "not here" : states;
  }
  Result<std::string> of_kek(ByteView id) {
    Hash256 hash{};
    if (id.size() != hash.size()) return std::string();
    copy_bytes(hash, id);
    if (const auto known = keks_.find(hash); known != keks_.end()) return known->second;
    const auto kek = TRY(manager_.keks().find(reader_, hash));
    return keks_[hash] = kek ? std::string(keymgr::to_string(kek->state)) : "not here";
  }

 private:
  store::Reader& reader_;
  const KeyManager& manager_;
  std::map<std::string, std::string> aliases_;
  std::map<Hash256, std::string> keks_;
};

Result<Answer> ledger_answer(KeyManager& manager, const keymgr::Page<keymgr::LedgerEntry>& page) {
  json::array items;
  TRY(manager.keystore().read([&](store::Reader& reader) -> Status {
    items.clear();
    States states(reader, manager);
    for (const auto& entry : page.items) {
      json::object item = to_json(entry);
      item["key_state"] = TRY(states.of_alias(entry.alias));
      item["kek_1_state"] = TRY(states.of_kek(entry.kek_1));
      item["kek_2_state"] = TRY(states.of_kek(entry.kek_2));
      items.push_back(std::move(item));
    }
    return {};
  }));
  return json_answer(json::object{{"items", std::move(items)}, {"next", page.next}});
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
              return ledger_answer(manager, page);
            });
  return table.take();
}

}  // namespace tapewarden::admin
