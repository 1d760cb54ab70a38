#include "kmip/client/server_end.h"

#include "base/concat.h"
#include "base/text.h"
#include "kmip/names.h"
#include "kmip/tags.h"

namespace tapewarden::kmip {
namespace {

using ttlv::Writer;

constexpr ProtocolVersion kTried[] = {{1, 4}, {1, 3}, {1, 2}, {1, 1}, {1, 0}};
constexpr std::size_t kMostWords = 300;  // of another server, in a message of ours

void write_credential(Writer& out, const Credential& credential) {
  out.begin(tag::kAuthentication).begin(tag::kCredential);
  out.add_enumeration(tag::kCredentialType, CredentialType::kUsernameAndPassword);
  out.begin(tag::kCredentialValue).add_text(tag::kUsername, credential.user);
  out.add_text(tag::kPassword, as_text(credential.password.reveal()));
  out.end().end().end();
}

Result<EndReply> read(Bytes message) {
  EndReply out;
  out.message = std::move(message);
  out.document = TRY(ttlv::decode(out.message, {}, tag_name));
  const auto item = out.document.root().find(tag::kBatchItem);
  const auto status = item ? item->find(tag::kResultStatus) : std::nullopt;
  if (!status) return fail(ErrorCode::kCorrupt, "the answer is no KMIP response with an item");
  out.good = TRY(status->as_enumeration()) == static_cast<std::uint32_t>(ResultStatus::kSuccess);
  if (const auto reason = item->find(tag::kResultReason)) out.reason = TRY(reason->as_enumeration());
  out.why = TRY(refusal_in(*item));
  out.payload = item->find(tag::kResponsePayload);
  return out;
}

}  // namespace

Bytes request_of(const ProtocolVersion& version, const Credential* credential,
                 const std::vector<ServerEnd::Question>& batch) {
  Writer out;
  out.begin(tag::kRequestMessage).begin(tag::kRequestHeader).begin(tag::kProtocolVersion);
  out.add_integer(tag::kProtocolVersionMajor, version.major);
  out.add_integer(tag::kProtocolVersionMinor, version.minor).end();
  if (credential != nullptr && !credential->user.empty()) write_credential(out, *credential);
  if (batch.size() > 1) out.add_boolean(tag::kBatchOrderOption, true);
  out.add_integer(tag::kBatchCount, static_cast<std::int32_t>(batch.size())).end();
  std::uint8_t number = 0;
  for (const auto& question : batch) {
    out.begin(tag::kBatchItem).add_enumeration(tag::kOperation, question.operation);
    if (batch.size() > 1) out.add_bytes(tag::kUniqueBatchItemID, Bytes{++number});
    out.begin(tag::kRequestPayload);
    question.payload(out);
    out.end().end();
  }
  out.end();
  return out.take();
}

Result<std::string> refusal_in(const ttlv::Item& item) {
  std::string out;
  if (const auto reason = item.find(tag::kResultReason)) {
    out = value_text(tag::kResultReason, TRY(reason->as_enumeration()));
  }
  if (const auto text = item.find(tag::kResultMessage)) {
    const auto words = escape_unprintable(TRY(text->as_text()).substr(0, kMostWords));
    out += concat(out.empty() ? "" : ": ", words);
  }
  return out;
}

EndReply::~EndReply() {
  crypto::wipe(message);
}

bool is_not_found(const EndReply& reply) {
  return !reply.good && reply.reason == static_cast<std::uint32_t>(ResultReason::kItemNotFound);
}

Result<EndReply> ServerEnd::ask(const std::vector<Question>& batch) const {
  return read(TRY((*exchange_)(request_of(version_, credential_, batch))));
}

ServerEnd::Payload naming(const std::string& id) {
  return [id](Writer& out) { out.add_text(tag::kUniqueIdentifier, id); };
}

Result<ServerEnd> meet(const Exchange& exchange, const Credential* credential) {
  std::string why;
  for (const auto& version : kTried) {
    ServerEnd out(exchange, version, credential);
    const auto reply =
        TRY(out.ask(Operation::kLocate, [](Writer& to) { to.add_integer(tag::kMaximumItems, 1); }));
    if (reply.good) return out;
    why = reply.why;
  }
  return fail(ErrorCode::kUnsupported, "the old server answers no Locate of KMIP 1.0 to 1.4: " + why, "HOST",
              "check that the certificate is that of a client of the old server, and its user and password");
}

}  // namespace tapewarden::kmip
