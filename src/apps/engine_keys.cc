#include "apps/engine_keys.h"

#include <future>

#include "base/text.h"

namespace tapewarden::apps {
namespace {

std::string words(const dkx::Check& check) {
  return (check.kind == dkx::CheckKind::kGroup ? "key group " : "key label ") +
         escape_unprintable(check.name);
}

std::string field_of(const dkx::Check& check) {
  return check.kind == dkx::CheckKind::kGroup ? "key_group" : "label " + escape_unprintable(check.name);
}

}  // namespace

std::vector<admin::KeyServerView> views_of(const dkx::Client& client) {
  std::vector<admin::KeyServerView> views;
  for (const auto& server : client.status())
    views.push_back({std::string(dkx::to_string(server.role)), server.address,
                     std::string(dkx::to_string(server.connection)), server.state_text,
                     server.failure ? server.failure->text() : ""});
  return views;
}

Status judge(const dkx::CheckResult& result, const std::string& server) {
  const auto refuse = [&](ErrorCode code, const std::string& what, const std::string& remedy) {
    const auto told = escape_unprintable(result.text);
    return fail(code, words(result.check) + " " + what + " (" + server + ")", field_of(result.check),
                told.empty() ? remedy : told);
  };
  const bool group = result.check.kind == dkx::CheckKind::kGroup;
  switch (result.status) {
    case dkx::CheckStatus::kUsable:
    case dkx::CheckStatus::kPublicHalfOnly:  // told by note_of()
      return {};
    case dkx::CheckStatus::kUnknown:
      return refuse(ErrorCode::kNotFound, "is not known",
                    group ? "make the group at the key server first" : "import or make the KEK first");
    case dkx::CheckStatus::kNotPermitted:
      return refuse(ErrorCode::kPermissionDenied, "is not for this engine", "permit it at the key server");
    case dkx::CheckStatus::kNotActive:
      return refuse(ErrorCode::kConflict, "is not active", "name another, or activate it at the key server");
    case dkx::CheckStatus::kExhausted:
      break;
  }
  return refuse(ErrorCode::kConflict, "has no key left", "add keys to it at the key server");
}

std::string note_of(const dkx::CheckResult& result, const std::string& server) {
  const auto told = escape_unprintable(result.text);
  if (result.status == dkx::CheckStatus::kUsable && !told.empty())
    return words(result.check) + " (" + server + "): " + told;
  if (result.status != dkx::CheckStatus::kPublicHalfOnly) return "";
  return words(result.check) + " (" + server + "): " +
         (told.empty() ? "its private half is held elsewhere: what is written is not read back with it"
                       : told);
}

Result<std::unique_ptr<EngineKeys>> EngineKeys::connect(Env env, const std::string& engine_config,
                                                        engine::Notices& notices,
                                                        std::function<void()> regained) {
  const auto config = TRY(keyproxy::read_engine_config(*env.disk, engine_config));
  std::unique_ptr<EngineKeys> keys(new EngineKeys(notices, std::move(regained)));
  keys->servers_ = TRY(keyproxy::KeyServers::connect(
      env, config, [watch = keys->watch_](const dkx::ServerStatus& server) { watch->saw(server); }));
  return keys;
}

EngineKeys::~EngineKeys() {
  stop_telling();
}

std::vector<admin::KeyServerView> EngineKeys::servers() const {
  return views_of(servers_->client());
}

std::string EngineKeys::server_of(dkx::ServerRole role) const {
  for (const auto& server : servers_->client().status())
    if (server.role == role) return std::string(dkx::to_string(role)) + " " + server.address;
  return std::string(dkx::to_string(role));
}

Result<engine::KeyNames> EngineKeys::serve(tape::TapeDrive& drive) {
  auto served = TRY(servers_->proxy().serve(drive));
  return engine::KeyNames{
      .server = server_of(served.role), .alias = std::move(served.alias), .labels = std::move(served.labels)};
}

Status EngineKeys::confirm(tape::TapeDrive& drive, std::chrono::milliseconds patience) {
  return servers_->proxy().confirm(drive, patience);
}

Result<std::vector<std::string>> EngineKeys::check(std::vector<dkx::Check> checks) {
  const auto asked = std::make_shared<std::promise<Result<dkx::Answered>>>();
  servers_->client().check_labels(
      std::move(checks), [asked](Result<dkx::Answered> answered) { asked->set_value(std::move(answered)); });
  const auto answered = TRY(asked->get_future().get());
  if (const auto* refused = std::get_if<dkx::Refusal>(&answered.body))
    return std::unexpected(dkx::error_of(*refused));
  const auto* answer = std::get_if<dkx::CheckLabelsAnswer>(&answered.body);
  if (answer == nullptr)
    return fail(ErrorCode::kInternal, "the key server answered something else", "answer");
  const auto server = server_of(answered.role) + " key server";
  std::vector<std::string> notes;
  for (const auto& result : answer->results) {
    TRY(judge(result, server));
    if (auto note = note_of(result, server); !note.empty()) notes.push_back(std::move(note));
  }
  return notes;
}

Result<std::vector<std::string>> EngineKeys::check_labels(const std::vector<std::string>& labels) {
  std::vector<dkx::Check> checks;
  for (const auto& label : labels)
    if (!label.empty()) checks.push_back({dkx::CheckKind::kLabel, label});
  if (checks.empty()) return std::vector<std::string>{};
  return check(std::move(checks));
}

Result<std::vector<std::string>> EngineKeys::check_group(const std::string& name) {
  return check({{dkx::CheckKind::kGroup, name}});
}

}  // namespace tapewarden::apps
