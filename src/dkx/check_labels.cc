#include "dkx/check_labels.h"

#include <array>

#include "base/assert.h"
#include "dkx/fields.h"
#include "dkx/limits.h"
#include "dkx/tags.h"

namespace tapewarden::dkx {

namespace {

void write_fields(ttlv::Writer& out, const Check& check) {
  out.add_enumeration(kTagCheckKind, check.kind).add_text(kTagCheckName, check.name);
}

Result<Check> read_fields(ttlv::Cursor& in) {
  Check out;
  out.kind = TRY(in.enumeration(kTagCheckKind, CheckKind::kLabel, CheckKind::kAlias));
  out.name = TRY(read_printable(in, kTagCheckName, 1, kMaxLabelBytes));
  return out;
}

Result<CheckResult> read_result(ttlv::Cursor in) {
  CheckResult out;
  out.check = TRY(read_fields(in));
  out.status = TRY(in.enumeration(kTagCheckStatus, CheckStatus::kUsable, CheckStatus::kExhausted));
  out.text = TRY(read_printable(in, kTagCheckText, 0, kMaxMessageText));
  TRY(in.finish());
  return out;
}

Result<Check> read_check(ttlv::Cursor in) {
  const Check out = TRY(read_fields(in));
  TRY(in.finish());
  return out;
}

}  // namespace

std::string_view to_string(CheckStatus status) {
  static constexpr std::array<std::string_view, 7> kNames{
      "", "usable", "public-half-only", "unknown", "not-permitted", "not-active", "exhausted"};
  return kNames.at(static_cast<std::size_t>(status));
}

Bytes encode(const CheckLabelsRequest& request) {
  TW_ASSERT(!request.checks.empty() && request.checks.size() <= kMaxChecks);
  ttlv::Writer out;
  out.begin(kTagCheckLabelsRequest).add_bytes(kTagChallenge, request.challenge);
  for (const Check& check : request.checks) {
    out.begin(kTagCheck);
    write_fields(out, check);
    out.end();
  }
  out.end();
  return out.take();
}

Result<CheckLabelsRequest> read_check_labels_request(ttlv::Cursor in) {
  CheckLabelsRequest out;
  out.challenge = TRY(in.array<32>(kTagChallenge));
  do {
    out.checks.push_back(TRY(read_check(TRY(in.structure(kTagCheck)))));
  } while (in.next_is(kTagCheck) && out.checks.size() < kMaxChecks);
  TRY(in.finish());
  return out;
}

Bytes encode(const CheckLabelsAnswer& answer) {
  TW_ASSERT(!answer.results.empty() && answer.results.size() <= kMaxChecks);
  ttlv::Writer out;
  out.begin(kTagCheckLabelsAnswer);
  for (const CheckResult& result : answer.results) {
    out.begin(kTagCheck);
    write_fields(out, result.check);
    out.add_enumeration(kTagCheckStatus, result.status);
    out.add_text(kTagCheckText, printable(result.text, kMaxMessageText)).end();
  }
  out.end();
  return out.take();
}

Result<CheckLabelsAnswer> read_check_labels_answer(ttlv::Cursor in) {
  CheckLabelsAnswer out;
  do {
    out.results.push_back(TRY(read_result(TRY(in.structure(kTagCheck)))));
  } while (in.next_is(kTagCheck) && out.results.size() < kMaxChecks);
  TRY(in.finish());
  return out;
}

}  // namespace tapewarden::dkx
