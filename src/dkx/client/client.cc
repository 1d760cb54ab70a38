#include "dkx/client/client.h"

#include "dkx/client/core.h"

namespace tapewarden::dkx {

std::string_view to_string(ServerRole role) {
  return role == ServerRole::kPrimary ? "primary" : "secondary";
}

std::string_view to_string(Connection connection) {
  switch (connection) {
    case Connection::kConnecting:
      return "connecting";
    case Connection::kUp:
      return "up";
    case Connection::kDown:
      return "down";
  }
  return "down";
}

Result<KeyAnswer> key_answer(const Result<Answered>& answered) {
  if (!answered) return std::unexpected(answered.error());
  if (const auto* refusal = std::get_if<Refusal>(&answered->body)) return std::unexpected(error_of(*refusal));
  if (const auto* key = std::get_if<KeyAnswer>(&answered->body)) return *key;
  return fail(ErrorCode::kInternal, "the answer carries no key");
}

Client::Client(ClientConfig config) : core_(std::make_shared<Core>(std::move(config))) {
  core_->start();
}

Client::~Client() {
  core_->stop();
}

void Client::exchange(Builder builder, Completion completion) {
  core_->exchange(std::move(builder), true, std::move(completion));
}

void Client::check_labels(std::vector<Check> checks, Completion completion) {
  core_->check_labels(std::move(checks), std::move(completion));
}

std::vector<ServerStatus> Client::status() const {
  return core_->status();
}

std::uint64_t Client::late_answers() const {
  return core_->late_answers();
}

}  // namespace tapewarden::dkx
