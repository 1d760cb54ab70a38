#include "kmip/client/migration.h"

#include <set>

#include "kmip/client/object_carrier.h"
#include "kmip/client/server_end.h"
#include "kmip/tags.h"

namespace tapewarden::kmip {
namespace {

using ttlv::Item;
using ttlv::Writer;

constexpr ProtocolVersion kOffsetsSince{1, 3};
constexpr std::int32_t kLocatedAtOnce = 500;
constexpr std::size_t kMostObjects = 1'000'000;

class Migration {
 public:
  Migration(const ServerEnd& from, const ServerEnd& to, const MigrationOrder& order,
            const std::function<void(const MigratedObject&)>& tell)
      : from_(from), carrier_(from, to, order), tell_(tell) {}

  Status run() {
    while (TRY(take_page())) {
    }
    return {};
  }

 private:
  // False: that was the last one.
  Result<bool> take_page() {
    const bool paged = from_.version() >= kOffsetsSince;
    const auto reply = TRY(from_.ask(Operation::kLocate, [&](Writer& out) {
      if (!paged) return;
      out.add_integer(tag::kMaximumItems, kLocatedAtOnce);
      out.add_integer(tag::kOffsetItems, static_cast<std::int32_t>(seen_.size()));
    }));
    if (!reply.good)
      return fail(ErrorCode::kUnavailable, "the old server does not locate: " + reply.why, "HOST");
    bool news = false;
    if (!reply.payload) return false;
    for (const Item child : reply.payload->children()) {
      if (child.tag() != tag::kUniqueIdentifier) continue;
      const std::string id(TRY(child.as_text()));
      if (!seen_.insert(id).second) continue;
      news = true;
      tell_(TRY(carrier_.take(id)));
    }
    return paged && news && seen_.size() < kMostObjects;
  }

  const ServerEnd& from_;
  const ObjectCarrier carrier_;
  const std::function<void(const MigratedObject&)>& tell_;
  std::set<std::string> seen_;
};

}  // namespace

std::string_view to_string(MigrationOutcome outcome) {
  switch (outcome) {
    case MigrationOutcome::kTaken:
      return "taken";
    case MigrationOutcome::kHere:
      return "here";
    case MigrationOutcome::kLeft:
      return "left";
  }
  return "unknown";
}

Status migrate_objects(const Exchange& from, const Exchange& to, const MigrationOrder& order,
                       const std::function<void(const MigratedObject&)>& tell) {
  const ServerEnd old = TRY(meet(from, &order.there));
  const ServerEnd here(to, kCommonVersion, &order.here);
  const auto reply = TRY(here.ask(Operation::kQuery, [](Writer& out) {
    out.add_enumeration(tag::kQueryFunction, QueryFunction::kQueryServerInformation);
  }));
  if (!reply.good) {
    return fail(ErrorCode::kPermissionDenied, "this key server refuses the client: " + reply.why, "--to",
                "register it first: tapewarden kmip register-client");
  }
  return Migration(old, here, order, tell).run();
}

}  // namespace tapewarden::kmip
