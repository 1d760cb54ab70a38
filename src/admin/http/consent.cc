#include "admin/http/consent.h"

#include "crypto/hash.h"

namespace tapewarden::admin {

namespace {

constexpr std::string_view kDigestPurpose = "tapewarden approval 1";

Hash256 digest_of(const Route& route, const Request& request, const Matter& matter) {
  ByteWriter out;
  out.bytes32(as_bytes(kDigestPurpose)).bytes32(as_bytes(route.method)).bytes32(as_bytes(route.pattern));
  out.bytes32(as_bytes(matter.identity)).bytes32(request.arguments.canonical());
  return crypto::sha256(out.view());
}

std::string summary_of(const Route& route, const Request& request, const Matter& matter) {
  std::string text(route.summary);
  if (!matter.summary.empty()) text += " " + matter.summary + ".";
  const std::string arguments = request.arguments.described();
  return arguments.empty() ? text : text + " (" + arguments + ")";
}

}  // namespace

Status Consent::use(store::Transaction& transaction) const {
  tried_.store(true);
  (void)TRY(approvals_.use(transaction, actor_, approval_.id, approval_.digest));
  return {};
}

Status Consent::use_before() const {
  if (tried()) return {};
  (void)TRY(approvals_.use(actor_, approval_.id, approval_.digest));
  return {};
}

Result<Answer> run_with_consent(people::Approvals& approvals, const Route& route, Request& request,
                                std::string_view approval_id) {
  if (!TRY(approvals.needed())) return route.handler(request);
  const Matter matter = route.matter ? TRY(route.matter(request)) : Matter{};
  const Hash256 digest = digest_of(route, request, matter);
  if (approval_id.empty()) {
    const auto asked =
        TRY(approvals.ask(request.principal, {std::string(route.method) + " " + std::string(route.pattern),
                                              digest, summary_of(route, request, matter)}));
    return asked_answer(asked, approvals.now());
  }
  auto approval = TRY(approvals.check(request.principal, approval_id, digest));
  request.consent = std::make_shared<const Consent>(approvals, request.principal, std::move(approval));
  if (!route.uses_consent) TRY(request.consent->use_before());
  auto answer = route.handler(request);
  // A handler that found nothing to do has still been let in by it.
  if (answer && !request.consent->tried() && route.uses_consent) TRY(request.consent->use_before());
  return answer;
}

}  // namespace tapewarden::admin
