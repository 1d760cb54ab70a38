// A way to a device outside of this process that is opened when it is first needed, and anew after it broke.
// One user at a time, but for renew(), which is thread-safe.
//
//   closed --execute()--> open --an outcome is unknown--> broken --renew()--> closed
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>

#include "tape/initiator/transport.h"

namespace tapewarden::apps {

class OutsideTransport final : public tape::Transport {
 public:
  using Open = std::function<Result<std::unique_ptr<tape::Transport>>()>;
  enum class AfterBreak : std::uint8_t {
    kStaysBroken,  // a drive: its position and keys may be others then, so its owner says when to go on
    kOpensAnew,    // a changer, which is asked where everything is after each failure
  };
  OutsideTransport(Open open, AfterBreak after_break, bool on_local_bus)
      : open_(std::move(open)), after_break_(after_break), local_(on_local_bus) {}

  // Errors of opening; kUnavailable while it is broken.
  Result<tape::TransportAnswer> execute(ByteView cdb, ByteView data_out, std::size_t data_in_limit,
                                        std::chrono::milliseconds timeout) override;
  bool on_local_bus() const override { return local_; }
  // The next command opens it again if it is broken.
  void renew() { renewed_.store(true); }

 private:
  const Open open_;
  const AfterBreak after_break_;
  const bool local_;
  std::unique_ptr<tape::Transport> inner_;
  std::optional<Error> broken_;  // why
  std::atomic<bool> renewed_{false};
};

}  // namespace tapewarden::apps
