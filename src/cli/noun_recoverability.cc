#include <boost/json.hpp>

#include "base/counted.h"
#include "base/text.h"
#include "cli/nouns.h"
#include "cli/output.h"
#include "cli/server_session.h"

namespace tapewarden::cli {
namespace {

namespace json = boost::json;

constexpr std::string_view kMost = "--most";
constexpr std::uint64_t kShownUnlessAsked = 25;
constexpr std::uint64_t kPage = 1000;
constexpr std::string_view kPlaceColumns[] = {"name",  "domain", "counts",  "as_of",
                                              "opens", "alone",  "checked", "remark"};
constexpr std::string_view kCartridgeColumns[] = {"volser", "independent", "state", "pool", "places"};

std::string encoded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<std::uint8_t>(c);
    const bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-';
    out += plain ? std::string(1, c) : "%" + to_hex({&byte, 1});
  }
  return out;
}

std::string question_of(const Values& values) {
  std::string out;
  for (const auto& word : values.list("without")) out += "&without=" + encoded(word);
  for (const std::string_view name : {"pool", "volser"}) {
    if (values.has(name)) out += "&" + std::string(name) + "=" + encoded(values.text(name));
  }
  return out;
}

Result<json::object> ask_cartridges(ServerSession& server, const Values& values) {
  std::uint64_t most = kShownUnlessAsked;
  if (values.has(kMost)) most = TRY(parse_number(values.text(kMost), 1, std::uint64_t{1} << 62, kMost));
  json::object out;
  json::array items;
  std::string after;
  do {
    const auto limit = std::min(kPage, most - items.size());
    const auto page =
        TRY(server.get("/v1/recoverability/cartridges?limit=" + std::to_string(limit) + question_of(values) +
                       (after.empty() ? "" : "&after=" + encoded(after))));
    const auto* some = page.if_contains("items");
    const auto* next = page.if_contains("next");
    const auto* total = page.if_contains("total");
    if (some == nullptr || !some->is_array()) break;
    for (const auto& item : some->get_array()) items.push_back(item);
    after = next != nullptr && next->is_string() ? std::string(next->get_string()) : std::string();
    if (total != nullptr) out["total"] = *total;
  } while (!after.empty() && items.size() < most);
  out["items"] = std::move(items);
  return out;
}

Status print_items(Context& context, const json::value& items, std::span<const std::string_view> columns) {
  Listing listing;
  const std::string text = json::serialize(json::object{{"items", items}});
  TRY(listing.add_page(as_bytes(text)));
  listing.print_table(*context.out, columns);
  return {};
}

std::int64_t number(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value != nullptr && value->is_number() ? value->to_number<std::int64_t>() : 0;
}

// "3 cartridges in 1 independent place, 1200 in 2"
std::string counted(const json::object& site) {
  std::string out;
  const auto* by = site.if_contains("by_places");
  if (by == nullptr || !by->is_object()) return out;
  for (const auto& [places, cartridges] : by->get_object()) {
    out += (out.empty() ? "" : ", ") + json::serialize(cartridges) + " in " + std::string(places);
  }
  return out;
}

void print_site(Context& context, const json::object& overview) {
  const auto* value = overview.if_contains("site");
  if (value == nullptr || !value->is_object()) return;
  const json::object& site = value->get_object();
  auto& out = *context.out;
  const auto cartridges = number(site, "cartridges");
  out << cartridges << (cartridges == 1 ? " cartridge" : " cartridges") << " in the ledger; wanted are "
      << number(overview, "wanted") << " independent places for the key of each\n";
  if (const std::string text = counted(site); !text.empty())
    out << "  by independent places: " << text << "\n";
  if (const auto lost = number(site, "short"); lost > 0) out << "  SHORT of places: " << lost << "\n";
  if (const auto dead = number(site, "dead"); dead > 0) out << "  opened by no place: " << dead << "\n";
  if (const auto fresh = number(site, "settling"); fresh > 0) {
    out << "  new, not yet in all places: " << fresh << "\n";
  }
  if (const auto gone = number(site, "destroyed"); gone > 0) {
    out << "  keys destroyed on purpose: " << gone << "\n";
  }
}

Status show(Context& context, const Values& values) {
  auto server = TRY(ServerSession::open(context));
  const bool narrowed = values.has("without") || values.has("pool") || values.has("volser");
  json::object overview;
  if (!narrowed) overview = TRY(server.get("/v1/recoverability"));
  json::object found = TRY(ask_cartridges(server, values));
  if (context.globals.json) {
    if (!narrowed) found["overview"] = std::move(overview);
    *context.out << json::serialize(found) << '\n';
    return {};
  }
  auto& out = *context.out;
  if (!narrowed) {
    print_site(context, overview);
    out << '\n';
    TRY(print_items(context, overview["places"], kPlaceColumns));
    out << '\n';
  }
  const std::int64_t total = number(found, "total");
  if (values.has("without")) {
    out << (total == 0 ? "no tape dies"
                       : tapewarden::counted(total, "tape") + (total == 1 ? " dies" : " die"))
        << '\n';
    if (total == 0) return {};
  }
  TRY(print_items(context, found["items"], kCartridgeColumns));
  const auto shown = static_cast<std::int64_t>(found["items"].as_array().size());
  if (total > shown) out << "and " << total - shown << " more: --most " << total << " shows all\n";
  return {};
}

}  // namespace

std::vector<Command> recoverability_commands() {
  return {
      {.noun = "recoverability",
       .summary =
           "Tell where each cartridge's key can be had today, the weakest first; --without tells which tapes "
           "die without a place",
       .example = "tapewarden recoverability --without domain:BUILDING-1 --without kek:ARCHIVE-2016",
       .arguments = {{.name = "--without",
                      .kind = ArgumentKind::kList,
                      .field = "without",
                      .meaning = "only tapes that nothing opens once this is gone: server:NAME, target:NAME, "
                                 "partner:NAME, holder:LABEL, domain:NAME or kek:LABEL"},
                     {.name = "--pool",
                      .field = "pool",
                      .meaning = "only this pool, for example group:DAILY"},
                     {.name = "--volser", .field = "volser", .meaning = "only this cartridge"},
                     {.name = kMost, .meaning = "at most so many cartridges; 25 unless given"}},
       .does = Action(show)},
      {.noun = "recoverability",
       .verb = "pools",
       .summary = "List the pools, the weakest first; for now a pool is a key group or a label",
       .example = "tapewarden recoverability pools",
       .does = RestCall{.method = "GET",
                        .path = "/v1/recoverability/pools",
                        .columns = {"pool", "least", "cartridges", "short", "settling", "dead", "destroyed",
                                    "by_places"}}},
      {.noun = "recoverability",
       .verb = "places",
       .summary = "List the places where keys can be had, and what each opens",
       .example = "tapewarden recoverability places",
       .does =
           RestCall{.method = "GET",
                    .path = "/v1/recoverability/places",
                    .columns = {"name", "domain", "counts", "as_of", "opens", "alone", "checked", "remark"}}},
      {.noun = "recoverability",
       .verb = "check",
       .summary = "Begin a self-check: every key of the server is opened, every backup verified",
       .example = "tapewarden recoverability check",
       .does = RestCall{.method = "POST", .path = "/v1/recoverability/check"}},
  };
}

}  // namespace tapewarden::cli
