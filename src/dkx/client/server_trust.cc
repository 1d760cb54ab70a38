#include "dkx/client/server_trust.h"

#include <algorithm>

#include "dkx/signing.h"

namespace tapewarden::dkx {

namespace {

std::unexpected<Error> distrust(std::string message, std::string remedy) {
  return fail(ErrorCode::kUnauthenticated, std::move(message), "signing certificate", std::move(remedy));
}

Status check_certificate(const crypto::Certificate& certificate, const ServerTrust& trust,
                         const std::optional<Hash256>& pin) {
  if (pin && certificate.fingerprint() != *pin) {
    return distrust("the key server's signing certificate is not the pinned one",
                    "if it was renewed, pin the new one: sha256 " + to_hex(certificate.fingerprint()));
  }
  const auto signed_it = [&](const auto& authority) { return certificate.signed_by(authority); };
  if (certificate.is_authority() || std::ranges::none_of(trust.authorities, signed_it)) {
    return distrust("no authority of this site has issued the key server's signing certificate",
                    "look whether the address leads to a key server of this site");
  }
  if (!trust.unit.empty() && certificate.organizational_unit() != trust.unit) {
    return distrust("the signing certificate was not issued to a key server",
                    "issue it with the organizational unit " + trust.unit);
  }
  return {};
}

}  // namespace

Result<Greeting> check_greeting(const AnswerEnvelope& answer, const RequestEnvelope& request,
                                const ServerTrust& trust, const std::optional<Hash256>& pin) {
  auto body = TRY(decode_answer_body(answer.body));
  if (const auto* refusal = std::get_if<Refusal>(&body)) return std::unexpected(error_of(*refusal));
  auto* hello = std::get_if<HelloAnswer>(&body);
  if (hello == nullptr)
    return fail(ErrorCode::kInvalidArgument, "the key server answers hello with something else");
  Greeting out{std::move(*hello), {}};
  out.certificate = TRY(crypto::Certificate::from_der(out.hello.signing_certificate));
  TRY(check_certificate(out.certificate, trust, pin));
  TRY(verify_answer(answer, request, out.certificate));
  return out;
}

}  // namespace tapewarden::dkx
