// Encrypt and Decrypt (Specification 1.4 sections 4.29 and 4.30, 2.1 sections 6.1.17 and 6.1.11), in one part
// or several.
#include "base/concat.h"
#include "crypto/random.h"
#include "kmip/server/key_uses.h"
#include "kmip/server/operations.h"
#include "kmip/tags.h"

namespace tapewarden::kmip {
namespace {

using crypto::Cipher;
using crypto::CipherSpec;
using keymgr::ManagedObject;
using ttlv::Item;

constexpr KeyUse kEncryption{CryptographicUsageMask::kEncrypt, true};
constexpr KeyUse kDecryption{CryptographicUsageMask::kDecrypt, false};
constexpr std::int32_t kLongestTag = 16;
constexpr std::int32_t kShortestTag = 4;
constexpr std::int32_t kLongestIv = 64;  // of those that are drawn here

struct Request {
  ManagedObject object;
  Part part;
  CryptoParameters parameters;
  ByteView data;
};

Result<Request> read_request(OperationContext& context, const Item& payload, Operation operation) {
  TRY(check_fields(payload,
                   {tag::kUniqueIdentifier, tag::kCryptographicParameters, tag::kData, tag::kIVCounterNonce,
                    tag::kCorrelationValue, tag::kInitIndicator, tag::kFinalIndicator,
                    tag::kAuthenticatedEncryptionAdditionalData, tag::kAuthenticatedEncryptionTag}));
  Request out;
  out.object = TRY(named_object(context, payload, true));
  out.part = TRY(read_part(context, payload, operation));
  TRY(check_use(context, out.object, operation == Operation::kEncrypt ? kEncryption : kDecryption));
  out.data = TRY(data_of(payload, out.part));
  out.parameters =
      out.part.stream != nullptr ? out.part.stream->parameters : TRY(parameters_of(payload, &out.object));
  if (out.part.stream != nullptr && out.part.stream->object != out.object.id) {
    return refuse(ResultReason::kInvalidCorrelationValue, "the stream is one of another key",
                  "Correlation Value");
  }
  return out;
}

// "no tag of that length" is a General Failure in the test cases of OASIS (CS-BC-M-GCM-1).
Status check_tag_length(const CryptoParameters& parameters) {
  const auto length = parameters.tag_bytes.value_or(kLongestTag);
  if (length >= kShortestTag && length <= kLongestTag) return {};
  return refuse(ResultReason::kGeneralFailure, "a tag has 4 to 16 bytes", "Tag Length");
}

Result<CipherSpec> cipher_for(const Request& request) {
  const auto algorithm = algorithm_of(request.object);
  if (!algorithm) return refuse(ResultReason::kIllegalObjectType, "the object is no key to a cipher");
  const auto spec = TRY(cipher_of(*algorithm, request.parameters));
  if (is_authenticated(spec)) TRY(check_tag_length(request.parameters));
  return spec;
}

// The IV of the request, or one drawn where the parameters say so; `drawn` tells the client.
Result<Bytes> iv_for(const OperationContext& context, const Item& payload, const Request& request,
                     const CipherSpec& spec, bool encrypting, bool& drawn) {
  const auto given = payload.find(tag::kIVCounterNonce);
  if (given) return to_bytes(TRY(given->as_bytes()));
  const auto natural = natural_iv_size(spec);
  if (natural == 0) return Bytes();
  if (!encrypting || !request.parameters.random_iv) {
    return refuse(ResultReason::kInvalidMessage, "it is missing", "IV/Counter/Nonce");
  }
  const auto wanted = request.parameters.iv_bytes.value_or(static_cast<std::int32_t>(natural));
  // Of GCM, shorter ones that are drawn would meet again too soon (NIST SP 800-38D section 8.2.2).
  const auto least = spec.mode == crypto::CipherMode::kGcm ? static_cast<std::int32_t>(natural) : 1;
  if (wanted < least || wanted > kLongestIv) {
    return refuse(ResultReason::kInvalidField,
                  concat("an IV that is drawn has ", least, " to ", kLongestIv, " bytes"), "IV Length");
  }
  Bytes out(static_cast<std::size_t>(wanted));
  context.objects.manager().context().env.random->fill(out);
  drawn = true;
  return out;
}

Result<ByteView> optional_bytes(const Item& payload, ttlv::Tag tag) {
  const auto item = payload.find(tag);
  return item ? item->as_bytes() : Result<ByteView>(ByteView());
}

struct Started {
  Cipher cipher;
  Bytes drawn_iv;  // to be told to the client; empty: none was drawn
};

Result<Started> start_cipher(OperationContext& context, const Item& payload, const Request& request,
                             bool encrypting) {
  const auto spec = TRY(cipher_for(request));
  if (request.part.stream != nullptr) {
    const auto* before = std::get_if<Cipher>(&request.part.stream->state);
    if (before == nullptr) return refuse(ResultReason::kInvalidCorrelationValue, "no such stream");
    return Started{before->clone(), {}};
  }
  bool drawn = false;
  auto iv = TRY(iv_for(context, payload, request, spec, encrypting, drawn));
  const auto associated = TRY(optional_bytes(payload, tag::kAuthenticatedEncryptionAdditionalData));
  const auto key = TRY(bytes_of(TRY(open_plain_key(context, request.object))));
  auto cipher = Cipher::start(spec, encrypting, key, iv, associated);
  if (!cipher) return crypto_refusal(cipher.error());
  return Started{*std::move(cipher), drawn ? std::move(iv) : Bytes()};
}

struct Output {
  Bytes data;
  Bytes tag;
};

Result<Output> run_cipher(const Item& payload, const Request& request, Cipher& cipher, bool encrypting) {
  auto data = cipher.update(request.data);
  if (!data) return crypto_refusal(data.error());
  Output out{*std::move(data), {}};
  if (!request.part.final) return out;
  const auto tag = TRY(optional_bytes(payload, tag::kAuthenticatedEncryptionTag));
  const bool authenticated = is_authenticated(TRY(cipher_for(request)));
  const auto tag_bytes = static_cast<std::size_t>(request.parameters.tag_bytes.value_or(kLongestTag));
  if (authenticated && !encrypting && tag.size() != tag_bytes) {
    crypto::wipe(out.data);
    return refuse(ResultReason::kInvalidField,
                  concat("the parameters ask for a tag of ", tag_bytes, " bytes"),
                  "Authenticated Encryption Tag");
  }
  const auto rest = cipher.finish(encrypting ? ByteView() : tag);
  if (!rest) {
    crypto::wipe(out.data);
    return crypto_refusal(rest.error());
  }
  out.data.insert(out.data.end(), rest->begin(), rest->end());
  if (encrypting && authenticated) out.tag = cipher.tag(tag_bytes);
  return out;
}

Status run_symmetric(OperationContext& context, const Item& payload, const Request& request,
                     Operation operation, ttlv::Writer& out) {
  const bool encrypting = operation == Operation::kEncrypt;
  auto started = TRY(start_cipher(context, payload, request, encrypting));
  auto output = TRY(run_cipher(payload, request, started.cipher, encrypting));
  if (!output.data.empty() || !request.part.streamed) out.add_bytes(tag::kData, output.data);
  crypto::wipe(output.data);
  if (!started.drawn_iv.empty()) out.add_bytes(tag::kIVCounterNonce, started.drawn_iv);
  if (request.part.final) {
    end_part(context, request.part);
  } else {
    keep_part(
        context, request.part,
        {context.client.owner, operation, request.object.id, request.parameters, std::move(started.cipher)},
        out);
  }
  if (!output.tag.empty()) out.add_bytes(tag::kAuthenticatedEncryptionTag, output.tag);
  return {};
}

Status run_asymmetric(OperationContext& context, const Request& request, bool encrypting, ttlv::Writer& out) {
  if (request.part.streamed) {
    return refuse(ResultReason::kFeatureNotSupported, "asymmetric keys take data in one part",
                  "Init Indicator");
  }
  const auto key = TRY(asymmetric_of(TRY(open_plain_key(context, request.object)), request.object.type));
  const auto scheme = TRY(encryption_of(request.parameters));
  if (encrypting) {
    const auto data = key.encrypt(scheme, request.data);
    if (!data) return crypto_refusal(data.error());
    out.add_bytes(tag::kData, *data);
    return {};
  }
  const auto data = key.decrypt(scheme, request.data);
  if (!data) return crypto_refusal(data.error());
  out.add_bytes(tag::kData, data->reveal());
  return {};
}

Status run(OperationContext& context, const Item& payload, Operation operation, ttlv::Writer& out) {
  const auto request = TRY(read_request(context, payload, operation));
  const bool encrypting = operation == Operation::kEncrypt;
  out.add_text(tag::kUniqueIdentifier, keymgr::unique_identifier(request.object));
  const bool asymmetric =
      request.object.type == ObjectType::kPublicKey || request.object.type == ObjectType::kPrivateKey;
  if (asymmetric) {
    TRY(run_asymmetric(context, request, encrypting, out));
  } else {
    TRY(run_symmetric(context, payload, request, operation, out));
  }
  return encrypting ? spend(context, request.object, request.data.size()) : Status();
}

}  // namespace

Status encrypt(OperationContext& context, const Item& payload, ttlv::Writer& out) {
  return run(context, payload, Operation::kEncrypt, out);
}

Status decrypt(OperationContext& context, const Item& payload, ttlv::Writer& out) {
  return run(context, payload, Operation::kDecrypt, out);
}

}  // namespace tapewarden::kmip
