// One end of what goes from one KMIP server to another: a server that is asked item by item, in one version.
// Pure but for what the exchange does; one thread.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "kmip/client/credential.h"
#include "kmip/exchange.h"
#include "kmip/protocol.h"
#include "ttlv/item.h"
#include "ttlv/writer.h"

namespace tapewarden::kmip {

// The newest version whose attributes have the same form at both ends.
inline constexpr ProtocolVersion kCommonVersion{1, 4};

// An answer with one item. Wiped: keys are in it.
struct EndReply {
  Bytes message;
  ttlv::Document document;
  std::optional<ttlv::Item> payload;
  bool good = false;
  std::optional<std::uint32_t> reason;  // of a refusal
  std::string why;                      // likewise, in words: what a stranger wrote, escaped and cut

  EndReply() = default;
  EndReply(EndReply&&) = default;
  EndReply& operator=(EndReply&&) = default;
  ~EndReply();
};

// Refused with Item Not Found.
bool is_not_found(const EndReply& reply);

class ServerEnd {
 public:
  using Payload = std::function<void(ttlv::Writer&)>;
  struct Question {
    Operation operation;
    Payload payload;
  };

  // Borrows both; they outlive it. `credential`: nullptr: none.
  ServerEnd(const Exchange& exchange, ProtocolVersion version, const Credential* credential = nullptr)
      : exchange_(&exchange), version_(version), credential_(credential) {}

  Result<EndReply> ask(Operation operation, const Payload& payload) const {
    return ask({{operation, payload}});
  }
  // One batch, as far as its items succeed; the answer to the first.
  Result<EndReply> ask(const std::vector<Question>& batch) const;
  const ProtocolVersion& version() const { return version_; }

 private:
  const Exchange* exchange_;
  ProtocolVersion version_;
  const Credential* credential_;
};

// The request message with these items, in order. `credential`: nullptr: none.
Bytes request_of(const ProtocolVersion& version, const Credential* credential,
                 const std::vector<ServerEnd::Question>& batch);
// Why an item of an answer was refused, in words; empty: it says nothing. What a stranger wrote is escaped
// and cut.
Result<std::string> refusal_in(const ttlv::Item& item);

// The payload that is an identifier alone.
ServerEnd::Payload naming(const std::string& id);

// In the newest of the versions 1.4 to 1.0 that the server speaks. kUnsupported: it answers no Locate in any.
Result<ServerEnd> meet(const Exchange& exchange, const Credential* credential = nullptr);

}  // namespace tapewarden::kmip
