#include "dkx/key_answer.h"

#include "base/assert.h"
#include "dkx/fields.h"
#include "dkx/limits.h"
#include "dkx/tags.h"
#include "eedk/tags.h"

namespace tapewarden::dkx {

namespace {

void write_to_hold(ttlv::Writer& out, const ToHold& to_hold) {
  if (const auto* set = std::get_if<eedk::EedkSet>(&to_hold)) eedk::write(out, *set);
  if (const auto* key = std::get_if<IdentifiedKey>(&to_hold)) {
    out.begin(kTagIdentifiedKey).add_bytes(kTagDataKeyIdentifier, key->identifier.bytes);
    out.add_text(kTagAlias, key->alias).end();
  }
}

Result<IdentifiedKey> read_identified_key(ttlv::Cursor in) {
  IdentifiedKey out;
  out.identifier.bytes = TRY(in.array<eedk::kDataKeyIdentifierBytes>(kTagDataKeyIdentifier));
  out.alias = TRY(read_printable(in, kTagAlias, 1, kMaxAliasBytes));
  TRY(in.finish());
  return out;
}

Result<ToHold> read_to_hold(ttlv::Cursor& in) {
  if (in.next_is(eedk::kTagEedkSet)) return TRY(eedk::read_eedk_set(in));
  if (in.next_is(kTagIdentifiedKey)) return TRY(read_identified_key(TRY(in.structure(kTagIdentifiedKey))));
  return NothingToHold{};
}

}  // namespace

Bytes encode(const KeyAnswer& answer) {
  TW_ASSERT(answer.labels.size() <= kMaxLabels);
  ttlv::Writer out;
  out.begin(kTagKeyAnswer);
  if (answer.sedk) eedk::write(out, *answer.sedk);
  write_to_hold(out, answer.to_hold);
  out.add_bytes(kTagKeyCheckValue, answer.key_check);
  for (const auto& label : answer.labels) out.add_text(kTagResolvedLabel, label);
  out.add_boolean(kTagMayAppend, answer.may_append);
  write(out, answer.ledger);
  write_next_nonce(out, answer.next_nonce);
  out.end();
  return out.take();
}

Result<KeyAnswer> read_key_answer(ttlv::Cursor in) {
  KeyAnswer out;
  if (in.next_is(eedk::kTagSedk)) out.sedk = TRY(eedk::read_sedk(in));
  out.to_hold = TRY(read_to_hold(in));
  out.key_check = TRY(in.array<crypto::kKeyCheckBytes>(kTagKeyCheckValue));
  while (in.next_is(kTagResolvedLabel) && out.labels.size() < kMaxLabels) {
    out.labels.push_back(TRY(read_printable(in, kTagResolvedLabel, 1, kMaxLabelBytes)));
  }
  out.may_append = TRY(in.boolean(kTagMayAppend));
  out.ledger = TRY(read_ledger_reference(in));
  out.next_nonce = TRY(read_next_nonce(in));
  TRY(in.finish());
  return out;
}

Bytes encode(const ConfirmAnswer& answer) {
  ttlv::Writer out;
  out.begin(kTagConfirmAnswer);
  write(out, answer.ledger);
  write_next_nonce(out, answer.next_nonce);
  out.end();
  return out.take();
}

Result<ConfirmAnswer> read_confirm_answer(ttlv::Cursor in) {
  ConfirmAnswer out;
  out.ledger = TRY(read_ledger_reference(in));
  out.next_nonce = TRY(read_next_nonce(in));
  TRY(in.finish());
  return out;
}

}  // namespace tapewarden::dkx
