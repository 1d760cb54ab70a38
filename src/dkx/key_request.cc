#include "dkx/key_request.h"

#include "base/assert.h"
#include "dkx/fields.h"
#include "dkx/limits.h"
#include "dkx/tags.h"
#include "eedk/ekm_code.h"
#include "eedk/tags.h"

namespace tapewarden::dkx {

namespace {

void write_held(ttlv::Writer& out, const Held& held) {
  if (const auto* set = std::get_if<eedk::EedkSet>(&held)) eedk::write(out, *set);
  if (const auto* identifier = std::get_if<eedk::DataKeyIdentifier>(&held)) {
    out.add_bytes(kTagDataKeyIdentifier, identifier->bytes);
  }
}

Result<Held> read_held(ttlv::Cursor& in) {
  if (in.next_is(eedk::kTagEedkSet)) return TRY(eedk::read_eedk_set(in));
  if (in.next_is(kTagDataKeyIdentifier)) {
    return eedk::DataKeyIdentifier{TRY(in.array<eedk::kDataKeyIdentifierBytes>(kTagDataKeyIdentifier))};
  }
  return NothingHeld{};
}

void write_asked(ttlv::Writer& out, const Asked& asked) {
  if (const auto* labels = std::get_if<LabelsAsked>(&asked)) {
    TW_ASSERT(!labels->empty() && labels->size() <= kMaxLabels);
    for (const auto& choice : *labels) {
      out.begin(kTagLabelChoice).add_text(kTagLabel, choice.label);
      out.add_enumeration(kTagLabelMode, choice.mode).end();
    }
  }
  if (const auto* group = std::get_if<GroupAsked>(&asked)) out.add_text(kTagGroup, group->name);
  if (const auto* alias = std::get_if<AliasAsked>(&asked)) out.add_text(kTagAlias, alias->alias);
}

Result<LabelChoice> read_label_choice(ttlv::Cursor in) {
  LabelChoice out;
  out.label = TRY(read_printable(in, kTagLabel, 1, kMaxLabelBytes));
  TRY(eedk::check_label(out.label, "label"));
  out.mode = TRY(in.enumeration(kTagLabelMode, eedk::LabelMode::kClear, eedk::LabelMode::kHash));
  TRY(in.finish());
  return out;
}

Result<Asked> read_asked(ttlv::Cursor& in) {
  if (in.next_is(kTagGroup)) return GroupAsked{TRY(read_printable(in, kTagGroup, 1, kMaxGroupBytes))};
  if (in.next_is(kTagAlias)) return AliasAsked{TRY(read_printable(in, kTagAlias, 1, kMaxAliasBytes))};
  if (!in.next_is(kTagLabelChoice)) return NothingAsked{};
  LabelsAsked out;
  while (in.next_is(kTagLabelChoice) && out.size() < kMaxLabels) {
    out.push_back(TRY(read_label_choice(TRY(in.structure(kTagLabelChoice)))));
  }
  return out;
}

void write_confirmation(ttlv::Writer& out, const Confirmation& confirmation) {
  out.begin(kTagConfirmation).add_bytes(kTagConfirmedRequest, confirmation.request.view());
  write(out, confirmation.ledger);
  out.end();
}

Result<Confirmation> read_confirmation(ttlv::Cursor in) {
  Confirmation out;
  out.request = Uuid{TRY(in.array<16>(kTagConfirmedRequest))};
  out.ledger = TRY(read_ledger_reference(in));
  TRY(in.finish());
  return out;
}

// The table in key_request.h.
struct IntentFields {
  bool held_allowed, held_needed, dki_allowed, labels_needed, other_asked_allowed, confirmation;
};
IntentFields fields_of(Intent intent) {
  switch (intent) {
    case Intent::kAppend:
    case Intent::kRead:
      return {true, true, true, false, false, false};
    case Intent::kRekey:
      return {true, true, false, true, false, false};
    case Intent::kConfirm:
      return {false, false, false, false, false, true};
    default:
      return {true, false, true, false, true, false};
  }
}

std::unexpected<Error> conflict(std::string message, std::string field) {
  return eedk::fail_ekm(ErrorCode::kInvalidArgument, eedk::EkmCode::kEedkFlagsConflict, std::move(message),
                        std::move(field));
}

Status check_fields(const KeyRequest& request) {
  const IntentFields fields = fields_of(request.intent);
  const std::string intent(to_string(request.intent));
  const bool holds = !std::holds_alternative<NothingHeld>(request.held);
  if (holds && !fields.held_allowed) return conflict(intent + " tells what the cartridge holds", "held");
  if (!holds && fields.held_needed) {
    return conflict(intent + " needs the EEDKs or the data key identifier of the cartridge", "held");
  }
  if (std::holds_alternative<eedk::DataKeyIdentifier>(request.held) && !fields.dki_allowed) {
    return conflict(intent + " is for cartridges of the wrapped-key method", "held");
  }
  const bool labels = std::holds_alternative<LabelsAsked>(request.asked);
  const bool nothing = std::holds_alternative<NothingAsked>(request.asked);
  if (fields.labels_needed && !labels) return conflict(intent + " needs one or two labels", "labels");
  if (!fields.labels_needed && !fields.other_asked_allowed && !nothing) {
    return conflict(intent + " takes the key that the cartridge has and cannot ask for another", "asked");
  }
  if (request.confirmation.has_value() != fields.confirmation) {
    return conflict(intent + (fields.confirmation ? " names no" : " names a") + " request to confirm",
                    "confirmation");
  }
  return {};
}

}  // namespace

Bytes encode(const KeyRequest& request) {
  ttlv::Writer out;
  out.begin(kTagKeyRequest).add_enumeration(kTagIntent, request.intent);
  out.add_bytes(kTagNonce, request.nonce).add_bytes(kTagChannelBinding, request.binding);
  out.add_bytes(kTagRequestId, request.request_id.view());
  write(out, request.drive);
  out.add_text(kTagVolser, request.volser).add_bytes(kTagVolume, request.volume.view());
  write_held(out, request.held);
  write_asked(out, request.asked);
  if (request.proxy) out.add_text(kTagProxy, *request.proxy);
  if (request.partition) out.add_text(kTagPartition, *request.partition);
  if (request.confirmation) write_confirmation(out, *request.confirmation);
  out.end();
  return out.take();
}

Result<KeyRequest> read_key_request(ttlv::Cursor in) {
  KeyRequest out;
  out.intent = TRY(in.enumeration(kTagIntent, Intent::kWriteFromBeginning, Intent::kConfirm));
  out.nonce = TRY(in.array<32>(kTagNonce));
  out.binding = TRY(in.array<32>(kTagChannelBinding));
  out.request_id = Uuid{TRY(in.array<16>(kTagRequestId))};
  out.drive = TRY(read_drive(in));
  out.volser = TRY(read_printable(in, kTagVolser, 0, kMaxVolserBytes));
  out.volume = Uuid{TRY(in.array<16>(kTagVolume))};
  out.held = TRY(read_held(in));
  out.asked = TRY(read_asked(in));
  out.proxy = TRY(read_optional_printable(in, kTagProxy, kMaxNameBytes));
  out.partition = TRY(read_optional_printable(in, kTagPartition, kMaxNameBytes));
  if (in.next_is(kTagConfirmation)) {
    out.confirmation = TRY(read_confirmation(TRY(in.structure(kTagConfirmation))));
  }
  TRY(in.finish());
  TRY(check_fields(out));
  return out;
}

}  // namespace tapewarden::dkx
