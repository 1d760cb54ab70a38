#include "keyproxy/dkx_drive_exchange.h"

#include "dkx/body.h"
#include "dkx/envelope.h"
#include "dkx/signing.h"
#include "keyproxy/seal_bytes.h"

namespace tapewarden::keyproxy {

namespace {

dkx::Intent intent_of(scsi::KeyIntent intent) {
  switch (intent) {
    case scsi::KeyIntent::kWriteFromBeginning:
      return dkx::Intent::kWriteFromBeginning;
    case scsi::KeyIntent::kAppend:
      return dkx::Intent::kAppend;
    case scsi::KeyIntent::kConfirm:
      return dkx::Intent::kConfirm;
    case scsi::KeyIntent::kRekey:
      return dkx::Intent::kRekey;
    case scsi::KeyIntent::kRead:
    case scsi::KeyIntent::kNone:
      break;
  }
  return dkx::Intent::kRead;
}

dkx::Drive drive_of(const tape::DriveFacts& facts, const tape::DriveKeys& keys) {
  dkx::Drive drive;
  drive.serial = facts.serial;
  if (facts.world_wide_node_name != 0) {
    dkx::Wwnn wwnn{};
    copy_bytes(wwnn, ByteWriter().u64(facts.world_wide_node_name).view());
    drive.wwnn = wwnn;
  }
  drive.kind = facts.kind == tape::MediumKind::kLto ? dkx::DriveKind::kLto : dkx::DriveKind::k3592;
  drive.wrapping_key = keys.wrapping_key().spki_hash();
  // Always offered: the server looks at it while the drive is not pinned yet.
  drive.enrolment =
      dkx::Enrolment{keys.certificate().der(), keys.wrapping_key().spki(), keys.wrapping_key_signature()};
  return drive;
}

Result<dkx::Held> held_of(const tape::CartridgeFacts& cartridge) {
  const tape::KeyInfo& held = cartridge.held;
  if (held.method == tape::KeyMethod::kWrappedKey) return dkx::Held(TRY(to_eedk_set(held, cartridge.volume)));
  if (held.method == tape::KeyMethod::kIdentifiedKey) {
    return dkx::Held(TRY(eedk::DataKeyIdentifier::from_tape(held.akad)));
  }
  return dkx::Held(dkx::NothingHeld{});
}

dkx::Asked asked_of(const tape::KeyAsk& ask) {
  dkx::LabelsAsked labels;
  for (const auto& label : ask.policy.labels) {
    labels.push_back({label.text, label.mode == scsi::LabelModeCode::kHash ? eedk::LabelMode::kHash
                                                                           : eedk::LabelMode::kClear});
  }
  if (!labels.empty()) return labels;
  if (!ask.policy.alias_or_group.empty()) return dkx::GroupAsked{ask.policy.alias_or_group};
  return dkx::NothingAsked{};
}

// server uuid || sequence
Bytes receipt_of(const dkx::LedgerReference& ledger) {
  return ByteWriter().bytes(ledger.server.bytes).u64(ledger.sequence).take();
}

Result<dkx::LedgerReference> ledger_of(ByteView receipt) {
  ByteReader in(receipt);
  dkx::LedgerReference ledger;
  ledger.server = Uuid::from(TRY(in.bytes(16, "receipt server")));
  ledger.sequence = TRY(in.u64("receipt sequence"));
  TRY(in.expect_done("receipt"));
  return ledger;
}

// The authentic answer's body. An authentic refusal comes back as the error that it means.
Result<dkx::AnswerBody> read_answer(const tape::ServerChallenge& challenge, ByteView signed_request,
                                    ByteView answer) {
  auto request = TRY(dkx::decode_request_envelope(signed_request));
  const auto envelope = TRY(dkx::decode_answer_envelope(answer));
  // The carrier numbers the messages of its connection; what ties the answer to the request is the signature.
  request.message_id = envelope.message_id;
  TRY(dkx::verify_answer(envelope, request, challenge.server_certificate));
  auto body = TRY(dkx::decode_answer_body(envelope.body));
  if (const auto* refusal = std::get_if<dkx::Refusal>(&body)) return std::unexpected(dkx::error_of(*refusal));
  return body;
}

// What belongs on the cartridge. A tape that is begun anew never keeps what it held: that opens another key.
Result<tape::KeyInfo> info_of(const dkx::KeyAnswer& answer, const tape::CartridgeFacts& cartridge,
                              const tape::KeyAsk& ask) {
  const auto unfit = [](const char* what) { return fail(ErrorCode::kInvalidArgument, what, "to hold"); };
  const bool wrapped = ask.method == tape::KeyMethod::kWrappedKey;
  tape::KeyInfo info = cartridge.held;
  if (const auto* set = std::get_if<eedk::EedkSet>(&answer.to_hold)) {
    if (!wrapped || set->volume != cartridge.volume || set->key_check != answer.key_check)
      return unfit("the EEDKs of the answer are not for this key, cartridge or drive");
    info = to_key_info(*set);
  } else if (const auto* identified = std::get_if<dkx::IdentifiedKey>(&answer.to_hold)) {
    if (wrapped) return unfit("the answer names a key where the cartridge needs EEDKs");
    info = {};
    info.method = tape::KeyMethod::kIdentifiedKey;
    info.akad = to_bytes(identified->identifier.view());
  } else if (ask.intent == scsi::KeyIntent::kRekey) {
    return unfit("the answer holds no EEDKs");
  } else if (ask.intent == scsi::KeyIntent::kWriteFromBeginning) {
    return unfit("the answer holds nothing by which the new key could be found again");
  }
  info.check_value = answer.key_check;
  return info;
}

// The answer to a rekey holds no key: the drive needs none to hold new EEDKs.
Result<tape::KeyGrant> new_eedks(const dkx::KeyAnswer& answer, const tape::CartridgeFacts& cartridge,
                                 const tape::KeyAsk& ask) {
  tape::KeyGrant grant;
  grant.info = TRY(info_of(answer, cartridge, ask));
  grant.receipt = receipt_of(answer.ledger);
  return grant;
}

}  // namespace

Result<Bytes> DkxDriveExchange::build_signed_request(const tape::ServerChallenge& challenge,
                                                     const tape::DriveFacts& drive,
                                                     const tape::CartridgeFacts& cartridge,
                                                     const tape::KeyAsk& ask, const tape::DriveKeys& keys) {
  dkx::KeyRequest request;
  request.intent = intent_of(ask.intent);
  if (challenge.nonce.size() != request.nonce.size() ||
      challenge.channel_binding.size() != request.binding.size()) {
    return fail(ErrorCode::kInvalidArgument, "nonce or channel binding has the wrong size", "challenge");
  }
  copy_bytes(request.nonce, challenge.nonce);
  copy_bytes(request.binding, challenge.channel_binding);
  request.request_id = ask.request;
  request.drive = drive_of(drive, keys);
  request.volser = cartridge.volser;
  request.volume = cartridge.volume;
  if (!ask.partition.empty()) request.partition = ask.partition;
  if (ask.intent == scsi::KeyIntent::kConfirm) {
    request.confirmation = dkx::Confirmation{ask.confirmed_request, TRY(ledger_of(ask.receipt))};
  } else {
    request.held = TRY(held_of(cartridge));
    const bool names_keys =
        ask.intent == scsi::KeyIntent::kWriteFromBeginning || ask.intent == scsi::KeyIntent::kRekey;
    if (names_keys) request.asked = asked_of(ask);
  }
  dkx::RequestEnvelope envelope;
  envelope.body = dkx::encode(request);
  envelope.signer = dkx::SignerKind::kDrive;
  envelope.signature = keys.sign(dkx::request_message(envelope.body));
  envelope.signer_certificate = keys.certificate().der();
  return dkx::encode(envelope);
}

Result<tape::KeyGrant> DkxDriveExchange::accept_answer(const tape::ServerChallenge& challenge,
                                                       ByteView signed_request, ByteView answer,
                                                       const tape::CartridgeFacts& cartridge,
                                                       const tape::KeyAsk& ask, const tape::DriveKeys& keys) {
  const auto body = TRY(read_answer(challenge, signed_request, answer));
  const auto* granted = std::get_if<dkx::KeyAnswer>(&body);
  if (granted != nullptr && ask.intent == scsi::KeyIntent::kRekey) return new_eedks(*granted, cartridge, ask);
  if (granted == nullptr || !granted->sedk) {
    return fail(ErrorCode::kInvalidArgument, "the answer holds no key", "answer");
  }
  if (granted->sedk->algorithm != eedk::WrapAlgorithm::kRsaOaepSha256) {
    return fail(ErrorCode::kInvalidArgument, "the key is wrapped in a way unknown here", "SEDK");
  }
  tape::KeyGrant grant;
  grant.data_key =
      TRY(keys.unwrap(granted->sedk->wrapped, eedk::sedk_oaep_label(cartridge.volume, ask.request)));
  if (crypto::key_check_value(grant.data_key, cartridge.volume) != granted->key_check) {
    return fail(ErrorCode::kCorrupt, "the key does not fit its check value", "key check value");
  }
  grant.info = TRY(info_of(*granted, cartridge, ask));
  grant.may_write = ask.intent == scsi::KeyIntent::kWriteFromBeginning ||
                    (ask.intent == scsi::KeyIntent::kAppend && granted->may_append);
  grant.receipt = receipt_of(granted->ledger);
  return grant;
}

Status DkxDriveExchange::accept_confirmation(const tape::ServerChallenge& challenge, ByteView signed_request,
                                             ByteView answer) {
  const auto body = TRY(read_answer(challenge, signed_request, answer));
  if (!std::holds_alternative<dkx::ConfirmAnswer>(body)) {
    return fail(ErrorCode::kInvalidArgument, "the answer confirms nothing", "answer");
  }
  return {};
}

}  // namespace tapewarden::keyproxy
