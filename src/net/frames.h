// Internal to net/. Cuts a stream of bytes into messages by a Framer. Pure; not thread-safe.
#pragma once

#include <optional>

#include "base/bytes.h"
#include "net/server.h"

namespace tapewarden::net {

class FrameCutter {
 public:
  FrameCutter(Framer framer, std::size_t max_message_bytes)
      : framer_(std::move(framer)), limit_(max_message_bytes) {}
  ~FrameCutter();
  FrameCutter(const FrameCutter&) = delete;
  FrameCutter& operator=(const FrameCutter&) = delete;

  // Takes bytes from the front of `input`: a message once it is whole, nullopt when all was taken and more is
  // needed. kCorrupt or what the framer says for bytes that begin no message, kExhausted for a message beyond
  // the limit; no more may be asked then.
  Result<std::optional<Bytes>> next(ByteView& input);
  // A message has begun and is not whole.
  bool partial() const { return !partial_.empty(); }

 private:
  Result<std::size_t> size_of(ByteView header) const;

  Framer framer_;
  std::size_t limit_;
  Bytes partial_;
  std::size_t size_ = 0;  // of the message that partial_ begins, 0 while unknown
};

}  // namespace tapewarden::net
