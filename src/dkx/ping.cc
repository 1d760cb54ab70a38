#include "dkx/ping.h"

#include "dkx/fields.h"
#include "dkx/limits.h"
#include "dkx/tags.h"

namespace tapewarden::dkx {

Bytes encode(const PingRequest& ping) {
  ttlv::Writer out;
  out.begin(kTagPingRequest).add_bytes(kTagChallenge, ping.challenge).end();
  return out.take();
}

Result<PingRequest> read_ping_request(ttlv::Cursor in) {
  PingRequest out;
  out.challenge = TRY(in.array<32>(kTagChallenge));
  TRY(in.finish());
  return out;
}

Bytes encode(const PingAnswer& ping) {
  ttlv::Writer out;
  out.begin(kTagPingAnswer).add_long_integer(kTagServerTime, to_millis(ping.time));
  out.add_enumeration(kTagServerState, ping.state);
  out.add_text(kTagStateText, printable(ping.state_text, kMaxMessageText)).end();
  return out.take();
}

Result<PingAnswer> read_ping_answer(ttlv::Cursor in) {
  PingAnswer out;
  out.time = from_millis(TRY(in.long_integer(kTagServerTime)));
  out.state = TRY(in.enumeration(kTagServerState, ServerState::kServing, ServerState::kNotServing));
  out.state_text = TRY(read_printable(in, kTagStateText, 0, kMaxMessageText));
  TRY(in.finish());
  return out;
}

}  // namespace tapewarden::dkx
