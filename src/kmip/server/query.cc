// Query (Specification 1.4 section 4.25, 2.1 section 6.1.37): what this server can do.
#include <algorithm>

#include "keymgr/objects/kmip_issuer.h"
#include "kmip/server/new_object.h"
#include "kmip/server/operations.h"
#include "kmip/tags.h"

namespace tapewarden::kmip {
namespace {

constexpr std::string_view kVendor = "Tapewarden";
struct OfferedObject {
  ObjectType type;
  ProtocolVersion since = kOldest;
  ProtocolVersion until = kNewest;
};
constexpr OfferedObject kObjects[] = {
    {ObjectType::kCertificate},    {ObjectType::kSymmetricKey},
    {ObjectType::kPublicKey},      {ObjectType::kPrivateKey},
    {ObjectType::kSplitKey},       {ObjectType::kTemplate, {1, 0}, {1, 4}},
    {ObjectType::kSecretData},     {ObjectType::kOpaqueObject},
    {ObjectType::kPGPKey, {1, 2}}, {ObjectType::kCertificateRequest, {2, 0}},
};
// The Tape Library profile's, which may have a vendor's name in front.
constexpr std::string_view kNamespaces[] = {"LIBRARY-LTO",  "LIBRARY-LTO4", "LIBRARY-LTO5", "LIBRARY-LTO6",
                                            "LIBRARY-LTO7", "LIBRARY-LTO8", "LIBRARY-LTO9"};

// The profiles whose mandatory cases this server passes (docs/kmip-conformance.md), by what each version
// calls them.
struct OfferedProfile {
  ProfileName name;
  ProtocolVersion since;
  ProtocolVersion until;
};
constexpr ProtocolVersion k13{1, 3};
constexpr ProtocolVersion k14{1, 4};
constexpr ProtocolVersion k20{2, 0};
constexpr OfferedProfile kProfiles[] = {
    {ProfileName::kTapeLibraryServerKMIPV1_3, k13, k13},
    {ProfileName::kSymmetricKeyLifecycleServerKMIPV1_3, k13, k13},
    {ProfileName::kAsymmetricKeyLifecycleServerKMIPV1_3, k13, k13},
    {ProfileName::kBasicCryptographicServerKMIPV1_3, k13, k13},
    {ProfileName::kSymmetricKeyFoundryServerKMIPV1_3, k13, k13},
    {ProfileName::kOpaqueManagedObjectStoreServerKMIPV1_3, k13, k13},
    {ProfileName::kTapeLibraryServerKMIPV1_4, k14, k14},
    {ProfileName::kSymmetricKeyLifecycleServerKMIPV1_4, k14, k14},
    {ProfileName::kAsymmetricKeyLifecycleServerKMIPV1_4, k14, k14},
    {ProfileName::kBasicCryptographicServerKMIPV1_4, k14, k14},
    {ProfileName::kAdvancedCryptographicServerKMIPV1_4, k14, k14},
    {ProfileName::kRNGCryptographicServerKMIPV1_4, k14, k14},
    {ProfileName::kSymmetricKeyFoundryServerKMIPV1_4, k14, k14},
    {ProfileName::kOpaqueManagedObjectStoreServerKMIPV1_4, k14, k14},
    {ProfileName::kStorageArrayWithSelfEncryptingDriveServerKMIPV1_4, k14, k14},
    {ProfileName::kTapeLibraryServer, k20, kNewest},
    {ProfileName::kSymmetricKeyLifecycleServer, k20, kNewest},
    {ProfileName::kAsymmetricKeyLifecycleServer, k20, kNewest},
    {ProfileName::kBasicCryptographicServer, k20, kNewest},
    {ProfileName::kAdvancedCryptographicServer, k20, kNewest},
    {ProfileName::kRNGCryptographicServer, k20, kNewest},
    {ProfileName::kSymmetricKeyFoundryServer, k20, kNewest},
    {ProfileName::kOpaqueManagedObjectStoreServer, k20, kNewest},
    {ProfileName::kStorageArrayWithSelfEncryptingDriveServer, k20, kNewest},
    {ProfileName::kAESXTSServer, k20, kNewest},
    {ProfileName::kBaselineServer, k20, kNewest},
};

Status write_operations(const OperationContext& context, ttlv::Writer& out) {
  const keymgr::KmipIssuers issuers(context.objects.manager().context());
  const bool issues = TRY(issuers.find(context.reader)).has_value();
  for (const auto& spec : operations()) {
    const bool known = spec.since <= context.version && context.version <= spec.until;
    if (known && (issues || !spec.needs_issuer)) out.add_enumeration(tag::kOperation, spec.operation);
  }
  return {};
}

Status write_objects(const OperationContext& context, ttlv::Writer& out) {
  for (const auto& object : kObjects) {
    if (object.since <= context.version && context.version <= object.until) {
      out.add_enumeration(tag::kObjectType, object.type);
    }
  }
  return {};
}

Status write_information(const OperationContext& context, ttlv::Writer& out) {
  out.add_text(tag::kVendorIdentification, kVendor);
  out.begin(tag::kServerInformation);
  if (context.version >= k20) out.add_text(tag::kProductName, kVendor);
  out.end();
  return {};
}

Status write_namespaces(const OperationContext& context, ttlv::Writer& out) {
  (void)context;
  for (const auto name : kNamespaces) out.add_text(tag::kApplicationNamespace, name);
  return {};
}

Status write_generators(const OperationContext& context, ttlv::Writer& out) {
  (void)context;
  out.begin(tag::kRNGParameters);
  add_generator(out);
  out.end();
  return {};
}

Status write_profiles(const OperationContext& context, ttlv::Writer& out) {
  for (const auto& profile : kProfiles) {
    if (context.version < profile.since || profile.until < context.version) continue;
    out.begin(tag::kProfileInformation).add_enumeration(tag::kProfileName, profile.name).end();
  }
  return {};
}

Status write_capabilities(const OperationContext& context, ttlv::Writer& out) {
  out.begin(tag::kCapabilityInformation);
  out.add_boolean(tag::kStreamingCapability, true);
  out.add_boolean(tag::kAsynchronousCapability, false);
  out.add_boolean(tag::kAttestationCapability, false);
  if (context.version >= k14) {
    out.add_boolean(tag::kBatchUndoCapability, true);
    out.add_boolean(tag::kBatchContinueCapability, true);
  }
  out.add_enumeration(tag::kUnwrapMode, UnwrapMode::kNotProcessed);
  // Destroyed objects wait for officers; what happens then is docs/operating/key-life.md.
  out.add_enumeration(tag::kDestroyAction, DestroyAction::kUnspecified);
  out.add_enumeration(tag::kShreddingAlgorithm, ShreddingAlgorithm::kUnspecified);
  out.add_enumeration(tag::kRNGMode, RNGMode::kSharedInstantiation);
  if (context.version >= ProtocolVersion{2, 1}) out.add_boolean(tag::kQuantumSafeCapability, true);
  out.end();
  return {};
}

Status write_storage_masks(const OperationContext& context, ttlv::Writer& out) {
  (void)context;
  out.begin(tag::kProtectionStorageMasks);
  out.add_integer(tag::kProtectionStorageMask, static_cast<std::int32_t>(ProtectionStorageMask::kSoftware));
  out.end();
  return {};
}

// In the order of the answer's fields, whatever order they were asked in. Of what is not among them
// (extensions, attestation, validations, registration, defaults) there is nothing to tell.
struct Answer {
  QueryFunction function;
  ProtocolVersion since;
  Status (*write)(const OperationContext& context, ttlv::Writer& out);
};
constexpr Answer kAnswers[] = {
    {QueryFunction::kQueryOperations, kOldest, write_operations},
    {QueryFunction::kQueryObjects, kOldest, write_objects},
    {QueryFunction::kQueryServerInformation, kOldest, write_information},
    {QueryFunction::kQueryApplicationNamespaces, kOldest, write_namespaces},
    {QueryFunction::kQueryRNGs, k13, write_generators},
    {QueryFunction::kQueryProfiles, k13, write_profiles},
    {QueryFunction::kQueryCapabilities, k13, write_capabilities},
    {QueryFunction::kQueryStorageProtectionMasks, k20, write_storage_masks},
};

}  // namespace

Status query(OperationContext& context, const ttlv::Item& payload, ttlv::Writer& out) {
  TRY(check_fields(payload, {tag::kQueryFunction}));
  std::vector<std::uint32_t> asked;
  for (const ttlv::Item item : payload.children()) asked.push_back(TRY(item.as_enumeration()));
  if (asked.empty()) {
    return refuse(ResultReason::kInvalidMessage, "at least one function is asked for", "Query Function");
  }
  for (const auto& answer : kAnswers) {
    const bool wanted = std::ranges::find(asked, static_cast<std::uint32_t>(answer.function)) != asked.end();
    if (wanted && answer.since <= context.version) TRY(answer.write(context, out));
  }
  return {};
}

}  // namespace tapewarden::kmip
