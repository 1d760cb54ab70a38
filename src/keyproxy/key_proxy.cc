#include "keyproxy/key_proxy.h"

#include <algorithm>
#include <future>

#include "dkx/signing.h"
#include "keyproxy/builder_gate.h"

namespace tapewarden::keyproxy {

namespace {

// No key has this alias: K2 lets nobody make one by it.
constexpr std::string_view kAliasOfNoKey = "?INTRODUCE";
constexpr std::size_t kMaxConfirmationsAtOnce = 128;  // more than a drive remembers

Error of(const tape::TapeError& error) {
  return error.error();
}

// What the drive is told when no key came, by what the key server or the way to it said.
scsi::KeyRefusal refusal_of(const Error& error) {
  switch (error.code) {
    case ErrorCode::kUnavailable:
      return scsi::KeyRefusal::kUnreachable;
    case ErrorCode::kTimeout:
      return scsi::KeyRefusal::kTimeout;
    case ErrorCode::kNotFound:
      return scsi::KeyRefusal::kNotFound;
    case ErrorCode::kPermissionDenied:
    case ErrorCode::kUnauthenticated:
      return scsi::KeyRefusal::kNotAuthorized;
    default:
      return scsi::KeyRefusal::kServerError;
  }
}

Served served_of(const dkx::Answered& answered, const dkx::KeyAnswer& answer) {
  Served served;
  served.server = answered.server;
  served.role = answered.role;
  served.attempts = answered.attempts;
  if (const auto* identified = std::get_if<dkx::IdentifiedKey>(&answer.to_hold))
    served.alias = identified->alias;
  served.labels = answer.labels;
  served.may_write = answer.may_append;
  return served;
}

dkx::Drive drive_of(const scsi::KeyRequestPage& page) {
  dkx::Drive drive;
  drive.serial = page.drive_serial;
  if (page.world_wide_node_name != 0) {
    dkx::Wwnn wwnn{};
    copy_bytes(wwnn, ByteWriter().u64(page.world_wide_node_name).view());
    drive.wwnn = wwnn;
  }
  drive.kind = page.method == scsi::KeyMethodCode::kWrappedKey ? dkx::DriveKind::k3592 : dkx::DriveKind::kLto;
  drive.enrolment = dkx::Enrolment{page.drive_certificate, page.wrapping_key, page.wrapping_key_signature};
  return drive;
}

// What a drive with this identity would say of itself.
scsi::KeyRequestPage page_of(const tape::DriveIdentity& identity, const CartridgeName& cartridge = {}) {
  const tape::DriveFacts& facts = identity.facts();
  scsi::KeyRequestPage page;
  page.method = facts.kind == tape::MediumKind::kLto ? scsi::KeyMethodCode::kIdentifiedKey
                                                     : scsi::KeyMethodCode::kWrappedKey;
  page.volser = cartridge.volser;
  page.volume = cartridge.volume;
  page.drive_serial = facts.serial;
  page.world_wide_node_name = facts.world_wide_node_name;
  page.drive_certificate = identity.certificate().der();
  page.wrapping_key = identity.wrapping_key().spki();
  page.wrapping_key_signature = identity.wrapping_key_signature();
  return page;
}

dkx::Drive drive_of(const tape::DriveIdentity& identity) {
  const tape::DriveFacts& facts = identity.facts();
  dkx::Drive drive = drive_of(page_of(identity));
  drive.kind = facts.kind == tape::MediumKind::kLto ? dkx::DriveKind::kLto : dkx::DriveKind::k3592;
  drive.wrapping_key = identity.wrapping_key().spki_hash();
  return drive;
}

// What the drive must put on the tape with a key that the host sets: the identifier by which that key is
// found again. An answer for another method, or for another key than the tape's, leaves a tape that nobody
// can read.
Result<eedk::DataKeyIdentifier> identifier_of(const dkx::KeyRequest& request, const dkx::KeyAnswer& answer) {
  const auto* held = std::get_if<eedk::DataKeyIdentifier>(&request.held);
  const auto* identified = std::get_if<dkx::IdentifiedKey>(&answer.to_hold);
  const bool begins = request.intent == dkx::Intent::kWriteFromBeginning;
  if (identified != nullptr && (begins || (held != nullptr && identified->identifier == *held)))
    return identified->identifier;
  if (!begins && held != nullptr && std::holds_alternative<dkx::NothingToHold>(answer.to_hold)) return *held;
  return eedk::fail_ekm(ErrorCode::kConflict, eedk::EkmCode::kKeystoreConfiguration,
                        "the key server answered with a key that this tape cannot name", "answer",
                        "look at the kind of drive " + request.drive.serial + " in the drive table");
}

// Everything of the page but the key. The scope is that of all initiators: the key outlives the one that sets
// it, for the program that writes the tape.
scsi::SetDataEncryption parameters_for(HostIntent intent, const eedk::DataKeyIdentifier& identifier,
                                       scsi::DecryptionMode decryption) {
  scsi::SetDataEncryption parameters;
  parameters.scope = scsi::KeyScope::kAllNexuses;
  parameters.clear_on_demount = true;
  parameters.encryption =
      intent == HostIntent::kRead ? scsi::EncryptionMode::kDisable : scsi::EncryptionMode::kEncrypt;
  parameters.decryption = decryption;
  parameters.kads.push_back({.kind = scsi::KadKind::kAuthenticated, .value = to_bytes(identifier.view())});
  return parameters;
}

// One challenge of the key path: nonce to the drive, its signed request back.
Result<dkx::RequestEnvelope> signed_by_drive(tape::TapeDrive& drive, const Uuid& request, bool confirm,
                                             const dkx::Attempt& attempt) {
  scsi::ChallengePage challenge;
  challenge.request = request;
  challenge.confirm = confirm;
  challenge.nonce = to_bytes(attempt.nonce);
  challenge.channel_binding = to_bytes(attempt.binding);
  challenge.server = attempt.server;
  challenge.server_certificate = attempt.server_certificate.der();
  if (const auto sent = drive.send_challenge(challenge); !sent) return std::unexpected(of(sent.error()));
  const auto message = drive.signed_request();
  if (!message) return std::unexpected(of(message.error()));
  return dkx::decode_request_envelope(message->message);
}

Status give_answer(tape::TapeDrive& drive, const Uuid& request, const dkx::Answered& answered) {
  const auto taken = drive.send_answer({request, dkx::encode(answered.envelope)});
  if (!taken) return std::unexpected(of(taken.error()));
  return {};
}

}  // namespace

KeyProxy::KeyProxy(dkx::Client& client, ProxyIdentity identity, Env env)
    : client_(client), identity_(std::move(identity)), random_(*env.random), clock_(*env.clock) {}

Result<dkx::Answered> KeyProxy::exchange(dkx::Builder builder, Until until) {
  const auto answered = std::make_shared<std::promise<Result<dkx::Answered>>>();
  const auto gate = std::make_shared<BuilderGate>(std::move(builder));
  client_.exchange([gate](const dkx::Attempt& attempt) { return gate->build(attempt); },
                   [answered](Result<dkx::Answered> result) { answered->set_value(std::move(result)); });
  auto future = answered->get_future();
  bool in_time = true;
  if (until) {
    in_time = future.wait_for(*until - clock_.steady_now()) == std::future_status::ready;
  } else {
    future.wait();
  }
  gate->close();  // a builder that is still in the drive comes out of it first
  if (!in_time)
    return fail(ErrorCode::kTimeout, "the key servers did not answer in time", "",
                "look whether the key servers run and can be reached from here");
  return future.get();
}

Result<Served> KeyProxy::serve(tape::TapeDrive& drive) {
  const auto page = drive.key_request();
  if (!page) return std::unexpected(of(page.error()));
  if (page->intent == scsi::KeyIntent::kNone) {
    return fail(ErrorCode::kConflict, "the drive asks for no key", "drive",
                "repeat the command that needed the key");
  }
  auto served = serve_request(drive, *page);
  if (!served) {
    scsi::RefusalPage refusal;
    refusal.request = page->request;
    refusal.reason = refusal_of(served.error());
    refusal.ekm_code = static_cast<std::uint16_t>(served.error().detail);
    (void)drive.send_refusal(refusal);  // the error below is what matters; the drive asks anew in any case
  }
  return served;
}

Result<Served> KeyProxy::serve_request(tape::TapeDrive& drive, const scsi::KeyRequestPage& page) {
  const auto answered = TRY(exchange(
      [&](const dkx::Attempt& attempt) { return signed_by_drive(drive, page.request, false, attempt); }));
  if (const auto* refused = std::get_if<dkx::Refusal>(&answered.body))
    return std::unexpected(dkx::error_of(*refused));
  const auto* answer = std::get_if<dkx::KeyAnswer>(&answered.body);
  if (answer == nullptr)
    return fail(ErrorCode::kInternal, "the key server answered something else", "answer");
  TRY(give_answer(drive, page.request, answered));
  return served_of(answered, *answer);
}

Status KeyProxy::confirm(tape::TapeDrive& drive, std::chrono::milliseconds patience) {
  const auto until = clock_.steady_now() + patience;
  Status first;
  std::vector<Uuid> asked;
  while (asked.size() < kMaxConfirmationsAtOnce) {
    const auto status = drive.key_path_status();
    if (!status) return std::unexpected(of(status.error()));
    const Uuid request = status->confirm_request;
    // One that comes again was refused, or the drive did not take the server's word for it.
    if (!status->confirm_due || std::ranges::find(asked, request) != asked.end()) break;
    asked.push_back(request);
    const auto refusal = TRY(confirm_one(drive, request, until));
    if (!refusal) continue;
    auto error = dkx::error_of(*refusal);
    const auto postponed =
        drive.send_refusal({request, refusal_of(error), static_cast<std::uint16_t>(error.detail)});
    if (first) first = std::unexpected(std::move(error));
    if (!postponed) break;
  }
  return first;
}

Result<std::optional<dkx::Refusal>> KeyProxy::confirm_one(tape::TapeDrive& drive, const Uuid& request,
                                                          Until until) {
  const auto answered = TRY(exchange(
      [&](const dkx::Attempt& attempt) { return signed_by_drive(drive, request, true, attempt); }, until));
  if (const auto* refused = std::get_if<dkx::Refusal>(&answered.body)) return std::optional(*refused);
  TRY(give_answer(drive, request, answered));
  return std::optional<dkx::Refusal>();
}

Result<dkx::Answered> KeyProxy::exchange_as_proxy(const dkx::KeyRequest& request) {
  auto answered = TRY(exchange([&](const dkx::Attempt& attempt) -> Result<dkx::RequestEnvelope> {
    dkx::KeyRequest bound = request;
    bound.nonce = attempt.nonce;
    bound.binding = attempt.binding;
    return dkx::sign_request(0, dkx::encode(bound), dkx::SignerKind::kProxy, identity_.key, nullptr);
  }));
  if (const auto* refused = std::get_if<dkx::Refusal>(&answered.body))
    return std::unexpected(dkx::error_of(*refused));
  return answered;
}

Result<dkx::Refusal> KeyProxy::introduce(const tape::DriveIdentity& drive, bool signs_itself) {
  dkx::KeyRequest request;
  request.intent = dkx::Intent::kRead;
  request.request_id = Uuid::random(random_);
  request.volume = Uuid::random(random_);
  request.held = TRY(eedk::DataKeyIdentifier::from_alias(kAliasOfNoKey));
  request.drive = drive_of(drive);
  if (!signs_itself) request.proxy = identity_.name;
  const auto answered = TRY(exchange([&](const dkx::Attempt& attempt) -> Result<dkx::RequestEnvelope> {
    dkx::KeyRequest bound = request;
    bound.nonce = attempt.nonce;
    bound.binding = attempt.binding;
    if (!signs_itself) {
      return dkx::sign_request(0, dkx::encode(bound), dkx::SignerKind::kProxy, identity_.key, nullptr);
    }
    dkx::RequestEnvelope envelope;
    envelope.body = dkx::encode(bound);
    envelope.signer = dkx::SignerKind::kDrive;
    envelope.signature = drive.sign(dkx::request_message(envelope.body));
    envelope.signer_certificate = drive.certificate().der();
    return envelope;
  }));
  if (const auto* refused = std::get_if<dkx::Refusal>(&answered.body)) return *refused;
  return fail(ErrorCode::kInternal, "a key came for an identifier that no key has", "answer");
}

Result<dkx::KeyRequest> KeyProxy::host_request(tape::TapeDrive& drive, const scsi::KeyRequestPage& page,
                                               HostIntent intent, const std::string& group) {
  dkx::KeyRequest request;
  request.request_id = Uuid::random(random_);
  request.drive = drive_of(page);
  const auto wrapping = TRY(crypto::PublicKey::from_spki(page.wrapping_key));
  request.drive.wrapping_key = wrapping.spki_hash();
  request.volser = page.volser;
  request.volume = page.volume;
  request.proxy = identity_.name;
  if (intent == HostIntent::kWriteFromBeginning) {
    request.intent = dkx::Intent::kWriteFromBeginning;
    if (!group.empty()) request.asked = dkx::GroupAsked{group};
    return request;
  }
  request.intent = intent == HostIntent::kAppend ? dkx::Intent::kAppend : dkx::Intent::kRead;
  if (!page.data_key_identifier.empty()) {
    request.held = TRY(eedk::DataKeyIdentifier::from_tape(page.data_key_identifier));
    return request;
  }
  const auto next = drive.next_block_status();
  if (!next) return std::unexpected(of(next.error()));
  const auto* identifier = scsi::find_kad(next->kads, scsi::KadKind::kAuthenticated);
  if (identifier == nullptr) {
    return fail(ErrorCode::kNotFound, "the tape names no data key here", "A-KAD",
                "position the tape at an encrypted block; a clear tape needs no key");
  }
  request.held = TRY(eedk::DataKeyIdentifier::from_tape(identifier->value));
  return request;
}

Result<KeyProxy::HostGrant> KeyProxy::ask_for_host(tape::TapeDrive& drive, const scsi::KeyRequestPage& page,
                                                   HostIntent intent, const std::string& group) {
  const auto request = TRY(host_request(drive, page, intent, group));
  const auto answered = TRY(exchange_as_proxy(request));
  const auto* answer = std::get_if<dkx::KeyAnswer>(&answered.body);
  if (answer == nullptr || !answer->sedk) {
    return fail(ErrorCode::kInternal, "the key server answered without a key", "answer");
  }
  const auto identifier = TRY(identifier_of(request, *answer));
  if (intent == HostIntent::kAppend && !answer->may_append) {
    return fail(ErrorCode::kPermissionDenied, "the key of this tape may read it and not write on it", "key",
                "write to another cartridge", static_cast<std::uint32_t>(eedk::EkmCode::kProhibited));
  }
  return HostGrant{.key = {served_of(answered, *answer), request.request_id, answer->ledger},
                   .identifier = identifier,
                   .wrapped = answer->sedk->wrapped,
                   .oaep_label = eedk::sedk_oaep_label(request.volume, request.request_id)};
}

Result<SetKey> KeyProxy::set_key(tape::TapeDrive& drive, HostIntent intent, const std::string& group,
                                 scsi::DecryptionMode decryption) {
  const auto page = drive.key_request();
  if (!page) return std::unexpected(of(page.error()));
  auto grant = TRY(ask_for_host(drive, *page, intent, group));
  const Bytes key = scsi::WrappedKey{.label = grant.oaep_label, .wrapped = grant.wrapped}.encode();
  auto parameters = parameters_for(intent, grant.identifier, decryption);
  parameters.key_format = scsi::KeyFormat::kWrapped;
  parameters.key = key;
  if (const auto set = drive.set_encryption(parameters); !set) return std::unexpected(of(set.error()));
  return std::move(grant.key);
}

Result<SetKey> KeyProxy::set_plain_key(tape::TapeDrive& drive, const tape::DriveIdentity& stand_in,
                                       const CartridgeName& cartridge, HostIntent intent,
                                       const std::string& group, const PlainKeyUse& use) {
  auto grant = TRY(ask_for_host(drive, page_of(stand_in, cartridge), intent, group));
  const auto data_key = TRY(stand_in.unwrap(grant.wrapped, grant.oaep_label));
  if (data_key.size() != scsi::kDataKeyLength)
    return fail(ErrorCode::kCorrupt, "the key server sent a key of another length", "data key");
  auto parameters = parameters_for(intent, grant.identifier, use.decryption);
  parameters.algorithm_index = use.algorithm_index;
  parameters.clear_on_demount = use.clear_on_demount;
  parameters.key = data_key.reveal();
  if (const auto set = drive.set_encryption(parameters, use.beyond_local_bus); !set)
    return std::unexpected(of(set.error()));
  return std::move(grant.key);
}

Status KeyProxy::clear_key(tape::TapeDrive& drive) {
  scsi::SetDataEncryption parameters;
  parameters.scope = scsi::KeyScope::kAllNexuses;
  if (const auto cleared = drive.set_encryption(parameters); !cleared)
    return std::unexpected(of(cleared.error()));
  return {};
}

Status KeyProxy::confirm(tape::TapeDrive& drive, const SetKey& key) {
  const auto page = drive.key_request();
  if (!page) return std::unexpected(of(page.error()));
  return confirm(*page, key);
}

Status KeyProxy::confirm(const tape::DriveIdentity& stand_in, const CartridgeName& cartridge,
                         const SetKey& key) {
  return confirm(page_of(stand_in, cartridge), key);
}

Status KeyProxy::confirm(const scsi::KeyRequestPage& page, const SetKey& key) {
  dkx::KeyRequest request;
  request.intent = dkx::Intent::kConfirm;
  request.request_id = Uuid::random(random_);
  request.drive = drive_of(page);
  request.drive.wrapping_key = TRY(crypto::PublicKey::from_spki(page.wrapping_key)).spki_hash();
  request.volser = page.volser;
  request.volume = page.volume;
  request.proxy = identity_.name;
  request.confirmation = dkx::Confirmation{key.request, key.ledger};
  TRY(exchange_as_proxy(request));
  return {};
}

}  // namespace tapewarden::keyproxy
