#include "dkx/client/head_memory.h"

namespace tapewarden::dkx {

namespace {

std::string words(const ServerHead& head) {
  return "commit " + std::to_string(head.sequence) + " of epoch " + std::to_string(head.epoch);
}

}  // namespace

Status check_head(HeadMemory& memory, const HelloAnswer& hello) {
  const auto seen = memory.seen(hello.server);
  if (!hello.head && !seen) return {};
  if (seen && (!hello.head || *hello.head < *seen)) {
    return fail(ErrorCode::kUnauthenticated,
                "the key server has shown " + words(*seen) + " before and now shows " +
                    (hello.head ? words(*hello.head) : std::string("none")) +
                    ": an older copy of its keystore was put back",
                "head", "restore that server from a backup, which begins a new epoch");
  }
  memory.note(hello.server, *hello.head);
  return {};
}

}  // namespace tapewarden::dkx
