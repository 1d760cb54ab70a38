#include "dkx/body.h"

#include <array>

#include "dkx/limits.h"
#include "dkx/tags.h"

namespace tapewarden::dkx {

namespace {

constexpr ttlv::Limits kBodyLimits{.bytes = kMaxBodyBytes, .depth = kMaxDepth, .items = kMaxItems};

// One row a message: the tag of its structure and the function that reads it.
template <typename Body>
struct Row {
  ttlv::Tag tag;
  Result<Body> (*read)(ttlv::Cursor in);
};

template <typename Body, auto Read>
Result<Body> read_as(ttlv::Cursor in) {
  return TRY(Read(in));
}

constexpr std::array<Row<RequestBody>, 4> kRequests{{
    {kTagHelloRequest, read_as<RequestBody, read_hello_request>},
    {kTagPingRequest, read_as<RequestBody, read_ping_request>},
    {kTagCheckLabelsRequest, read_as<RequestBody, read_check_labels_request>},
    {kTagKeyRequest, read_as<RequestBody, read_key_request>},
}};
constexpr std::array<Row<AnswerBody>, 6> kAnswers{{
    {kTagHelloAnswer, read_as<AnswerBody, read_hello_answer>},
    {kTagPingAnswer, read_as<AnswerBody, read_ping_answer>},
    {kTagCheckLabelsAnswer, read_as<AnswerBody, read_check_labels_answer>},
    {kTagKeyAnswer, read_as<AnswerBody, read_key_answer>},
    {kTagConfirmAnswer, read_as<AnswerBody, read_confirm_answer>},
    {kTagRefusal, read_as<AnswerBody, read_refusal>},
}};

template <typename Body, std::size_t N>
Result<Body> decode_by(const std::array<Row<Body>, N>& rows, ByteView bytes) {
  const auto document = TRY(ttlv::decode(bytes, kBodyLimits, tag_name));
  const ttlv::Item root = document.root();
  for (const auto& row : rows) {
    if (row.tag == root.tag()) return row.read(TRY(ttlv::Cursor::over(root, row.tag)));
  }
  return fail(ErrorCode::kInvalidArgument, "there is no such message", root.name());
}

// EE23, unless a more telling code is set already.
template <typename Body>
Result<Body> with_code(Result<Body> body) {
  if (!body && body.error().detail == 0) {
    body.error().detail = static_cast<std::uint32_t>(eedk::EkmCode::kMessageNotParsed);
  }
  return body;
}

template <typename Body>
Bytes encode_any(const Body& body) {
  return std::visit([](const auto& message) { return encode(message); }, body);
}

}  // namespace

Bytes encode(const RequestBody& body) {
  return encode_any(body);
}

Bytes encode(const AnswerBody& body) {
  return encode_any(body);
}

Result<RequestBody> decode_request_body(ByteView body) {
  return with_code(decode_by(kRequests, body));
}

Result<AnswerBody> decode_answer_body(ByteView body) {
  return with_code(decode_by(kAnswers, body));
}

Intent intent_of(const RequestBody& body) {
  if (std::holds_alternative<HelloRequest>(body)) return Intent::kHello;
  if (std::holds_alternative<PingRequest>(body)) return Intent::kPing;
  if (std::holds_alternative<CheckLabelsRequest>(body)) return Intent::kCheckLabels;
  return std::get<KeyRequest>(body).intent;
}

}  // namespace tapewarden::dkx
