// What the route files of the key server share: building the table, pages, actors, hashes. Included by .cc
// files only. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "admin/http/consent.h"
#include "admin/http/json_answer.h"
#include "admin/http/route.h"
#include "keymgr/actor.h"
#include "keymgr/consent.h"
#include "keymgr/key_life.h"
#include "keymgr/page.h"
#include "keymgr/rows.h"

namespace tapewarden::admin {

namespace json = boost::json;
using people::Permission;

inline constexpr std::size_t kPemLimit = 64U << 10;  // bytes of a certificate's text

// Collects the routes of one noun.
class RouteTable {
 public:
  explicit RouteTable(std::string_view noun) : noun_(noun) {}
  // The route is good until the next one is added.
  Route& add(std::string_view method, std::string_view pattern, Permission permission,
             std::string_view summary, std::vector<FieldSpec> fields, std::string_view answer,
             Handler handler) {
    routes_.push_back(
        {method, pattern, permission, noun_, summary, std::move(fields), answer, std::move(handler)});
    return routes_.back();
  }
  // One that needs a second person (K22). `matter`: see Route::matter; the handler calls use_consent() within
  // its transaction.
  void add_two_person(std::string_view method, std::string_view pattern, Permission permission,
                      std::string_view summary, std::vector<FieldSpec> fields, std::string_view answer,
                      std::function<Result<Matter>(const Request&)> matter, Handler handler) {
    Route& route = add(method, pattern, permission, summary, std::move(fields), answer, std::move(handler));
    route.two_person = true;
    route.uses_consent = true;
    route.matter = std::move(matter);
  }
  std::vector<Route> take() { return std::move(routes_); }

 private:
  std::string_view noun_;
  std::vector<Route> routes_;
};

keymgr::Actor actor_of(const people::Principal& principal);

// The two query fields of every list, and what they ask for. kInvalidArgument for a limit out of bounds.
FieldSpec limit_field();
FieldSpec after_field();
Result<keymgr::PageRequest> page_of(const Arguments& arguments);

template <typename T, typename View>
Answer page_answer(const keymgr::Page<T>& page, View view) {
  json::array items;
  for (const T& item : page.items) items.push_back(view(item));
  return json_answer(json::object{{"items", std::move(items)}, {"next", page.next}});
}

// The request's consent for a KeyManager's transaction: nothing where two-person approval is off.
keymgr::Consent consent_of(const Request& request);

// Legal holds and retention dates, of whatever they are on: as answers show them; the hold that the path
// names; what a new one is asked for.
json::object hold_json(const keymgr::KeyHold& hold, WallTime now);
Result<Uuid> hold_of(const Request& request);
std::vector<FieldSpec> hold_fields();
Result<WallTime> hold_until(const Request& request);  // kNever: until it is taken away

// 64 hex digits, "sha256:" allowed in front.
Result<Hash256> parse_hash(std::string_view text, std::string_view field);
// The instant of "2026-11-21" (its beginning) or "2026-11-21T02:40:32Z" in UTC.
Result<WallTime> parse_time(std::string_view text, std::string_view field);
// "" for kNever.
std::string time_text(WallTime time);

}  // namespace tapewarden::admin
