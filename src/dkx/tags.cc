#include "dkx/tags.h"

#include <algorithm>
#include <array>
#include <utility>

#include "eedk/tags.h"

namespace tapewarden::dkx {

namespace {
constexpr auto kNames = std::to_array<std::pair<ttlv::Tag, std::string_view>>({
    {kTagRequest, "request"},
    {kTagAnswer, "answer"},
    {kTagVersion, "version"},
    {kTagMessageId, "message id"},
    {kTagBody, "body"},
    {kTagSignerKind, "signer kind"},
    {kTagSignature, "signature"},
    {kTagCertificate, "certificate"},
    {kTagCertificateFingerprint, "certificate fingerprint"},
    {kTagHelloRequest, "hello request"},
    {kTagHelloAnswer, "hello answer"},
    {kTagPingRequest, "ping request"},
    {kTagPingAnswer, "ping answer"},
    {kTagCheckLabelsRequest, "check-labels request"},
    {kTagCheckLabelsAnswer, "check-labels answer"},
    {kTagKeyRequest, "key request"},
    {kTagKeyAnswer, "key answer"},
    {kTagConfirmAnswer, "confirm answer"},
    {kTagRefusal, "refusal"},
    {kTagSupportedVersion, "supported version"},
    {kTagChallenge, "challenge"},
    {kTagNonceCount, "nonce count"},
    {kTagNonce, "nonce"},
    {kTagServer, "server id"},
    {kTagServerTime, "server time"},
    {kTagServerState, "server state"},
    {kTagStateText, "state text"},
    {kTagCheck, "check"},
    {kTagCheckKind, "check kind"},
    {kTagCheckName, "check name"},
    {kTagCheckStatus, "check status"},
    {kTagCheckText, "check text"},
    {kTagIntent, "intent"},
    {kTagChannelBinding, "channel binding"},
    {kTagRequestId, "request id"},
    {kTagDrive, "drive"},
    {kTagDriveSerial, "drive serial"},
    {kTagDriveWwnn, "WWNN"},
    {kTagDriveKind, "drive kind"},
    {kTagWrappingKeyHash, "wrapping key hash"},
    {kTagEnrolment, "enrolment"},
    {kTagWrappingKey, "wrapping key"},
    {kTagWrappingKeySignature, "wrapping key signature"},
    {kTagVolser, "volser"},
    {kTagVolume, "volume UUID"},
    {kTagDataKeyIdentifier, "data key identifier"},
    {kTagLabelChoice, "label choice"},
    {kTagLabel, "label"},
    {kTagLabelMode, "label mode"},
    {kTagGroup, "key group"},
    {kTagAlias, "alias"},
    {kTagProxy, "proxy"},
    {kTagPartition, "partition"},
    {kTagConfirmation, "confirmation"},
    {kTagConfirmedRequest, "confirmed request"},
    {kTagIdentifiedKey, "identified key"},
    {kTagKeyCheckValue, "key check value"},
    {kTagResolvedLabel, "resolved label"},
    {kTagMayAppend, "may append"},
    {kTagLedger, "ledger reference"},
    {kTagLedgerServer, "ledger server"},
    {kTagLedgerSequence, "ledger sequence"},
    {kTagErrorCode, "error code"},
    {kTagOrigin, "origin"},
    {kTagErrorMessage, "error message"},
    {kTagErrorField, "error field"},
    {kTagOperatorAction, "operator action"},
    {kTagRetryReason, "retry reason"},
    {kTagNextNonce, "next nonce"},
});
// Looked up by bisection, and a number that is given twice would be found here.
static_assert(std::ranges::is_sorted(kNames, std::ranges::less_equal{},
                                     &decltype(kNames)::value_type::first));
}  // namespace

std::string_view tag_name(ttlv::Tag tag) {
  const auto row = std::ranges::lower_bound(kNames, tag, {}, &decltype(kNames)::value_type::first);
  if (row != kNames.end() && row->first == tag) return row->second;
  return eedk::tag_name(tag);
}

}  // namespace tapewarden::dkx
