// New EEDKs for one cartridge under other labels: made by the key server out of its ledger, then written into
// the cartridge's key areas. The data stays as it is.
#include <thread>

#include "base/text.h"
#include "cli/cartridge_actions.h"
#include "cli/server_session.h"
#include "tape/medium/inspect.h"

namespace tapewarden::cli {
namespace {

namespace json = boost::json;

constexpr std::chrono::milliseconds kLookAgain{100};
constexpr std::chrono::seconds kPatience{120};

std::string text_of(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

std::int64_t number_of(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value != nullptr && value->is_int64() ? value->get_int64() : 0;
}

json::object order_of(const Values& values, const std::string& volser) {
  json::object order{{"volsers", json::array{volser}}, {"label_1", values.text("--label")}};
  const auto copy = [&](std::string_view option, std::string_view field) {
    if (values.has(option)) order[field] = values.text(option);
  };
  copy("--mode", "mode_1");
  copy("--label2", "label_2");
  copy("--mode2", "mode_2");
  return order;
}

Result<json::object> wait_for(ServerSession& server, json::object job) {
  const auto until = std::chrono::steady_clock::now() + kPatience;
  const std::string target = "/v1/rewraps/" + text_of(job, "id");
  while (text_of(job, "state") == "running") {
    if (std::chrono::steady_clock::now() > until) {
      return fail(ErrorCode::kTimeout, "the key server is still at it", "",
                  "look with tapewarden ledger rekey-show, then repair the cartridge from the ledger");
    }
    std::this_thread::sleep_for(kLookAgain);
    job = TRY(server.get(target));
  }
  return job;
}

}  // namespace

Status rekey_cartridge(Context& context, const Values& values) {
  const std::string path = values.text("FILE");
  const auto inspection = TRY(tape::inspect(context.env, path));
  const std::string volser(trim(inspection.current.volser));
  {
    auto server = TRY(ServerSession::open(context));
    const auto job = TRY(wait_for(server, TRY(server.post("/v1/rewraps", order_of(values, volser)))));
    if (number_of(job, "wrapped") + number_of(job, "skipped") != 1) {
      return fail(ErrorCode::kConflict,
                  "no new EEDKs were made: " + escape_unprintable(text_of(job, "last_error")), "FILE",
                  "only a cartridge that stands in this key server's ledger with EEDKs is rekeyed");
    }
    *context.err << escape_unprintable(text_of(job, "advice")) << '\n';
  }
  Values repair;
  repair.add("FILE", path);
  repair.add("--from-ledger", "true");
  return repair_cartridge(context, repair);
}

}  // namespace tapewarden::cli
