// TTLV tags of the drive key exchange: the extension range 5400xx (eedk/ has 5401xx). Numbers are never used
// anew; docs/formats/dkx.md lists them.
#pragma once

#include "ttlv/item.h"

namespace tapewarden::dkx {

// Envelopes
inline constexpr ttlv::Tag kTagRequest{0x540001};
inline constexpr ttlv::Tag kTagAnswer{0x540002};
inline constexpr ttlv::Tag kTagVersion{0x540003};
inline constexpr ttlv::Tag kTagMessageId{0x540004};
inline constexpr ttlv::Tag kTagBody{0x540005};
inline constexpr ttlv::Tag kTagSignerKind{0x540006};
inline constexpr ttlv::Tag kTagSignature{0x540007};
inline constexpr ttlv::Tag kTagCertificate{0x540008};
inline constexpr ttlv::Tag kTagCertificateFingerprint{0x540009};

// Bodies
inline constexpr ttlv::Tag kTagHelloRequest{0x540010};
inline constexpr ttlv::Tag kTagHelloAnswer{0x540011};
inline constexpr ttlv::Tag kTagPingRequest{0x540012};
inline constexpr ttlv::Tag kTagPingAnswer{0x540013};
inline constexpr ttlv::Tag kTagCheckLabelsRequest{0x540014};
inline constexpr ttlv::Tag kTagCheckLabelsAnswer{0x540015};
inline constexpr ttlv::Tag kTagKeyRequest{0x540016};
inline constexpr ttlv::Tag kTagKeyAnswer{0x540017};
inline constexpr ttlv::Tag kTagConfirmAnswer{0x540018};
inline constexpr ttlv::Tag kTagRefusal{0x540019};

// Control fields
inline constexpr ttlv::Tag kTagSupportedVersion{0x540020};
inline constexpr ttlv::Tag kTagChallenge{0x540021};
inline constexpr ttlv::Tag kTagNonceCount{0x540022};
inline constexpr ttlv::Tag kTagNonce{0x540023};
inline constexpr ttlv::Tag kTagServer{0x540024};
inline constexpr ttlv::Tag kTagServerTime{0x540025};
inline constexpr ttlv::Tag kTagServerState{0x540026};
inline constexpr ttlv::Tag kTagStateText{0x540027};
inline constexpr ttlv::Tag kTagCheck{0x540028};
inline constexpr ttlv::Tag kTagCheckKind{0x540029};
inline constexpr ttlv::Tag kTagCheckName{0x54002A};
inline constexpr ttlv::Tag kTagCheckStatus{0x54002B};
inline constexpr ttlv::Tag kTagCheckText{0x54002C};
inline constexpr ttlv::Tag kTagServerEpoch{0x54002D};
inline constexpr ttlv::Tag kTagServerCommit{0x54002E};

// Key request
inline constexpr ttlv::Tag kTagIntent{0x540040};
inline constexpr ttlv::Tag kTagChannelBinding{0x540041};
inline constexpr ttlv::Tag kTagRequestId{0x540042};
inline constexpr ttlv::Tag kTagDrive{0x540043};
inline constexpr ttlv::Tag kTagDriveSerial{0x540044};
inline constexpr ttlv::Tag kTagDriveWwnn{0x540045};
inline constexpr ttlv::Tag kTagDriveKind{0x540046};
inline constexpr ttlv::Tag kTagWrappingKeyHash{0x540047};
inline constexpr ttlv::Tag kTagEnrolment{0x540048};
inline constexpr ttlv::Tag kTagWrappingKey{0x540049};
inline constexpr ttlv::Tag kTagWrappingKeySignature{0x54004A};
inline constexpr ttlv::Tag kTagVolser{0x54004B};
inline constexpr ttlv::Tag kTagVolume{0x54004C};
inline constexpr ttlv::Tag kTagDataKeyIdentifier{0x54004D};
inline constexpr ttlv::Tag kTagLabelChoice{0x54004E};
inline constexpr ttlv::Tag kTagLabel{0x54004F};
inline constexpr ttlv::Tag kTagLabelMode{0x540050};
inline constexpr ttlv::Tag kTagGroup{0x540051};
inline constexpr ttlv::Tag kTagAlias{0x540052};
inline constexpr ttlv::Tag kTagProxy{0x540053};
inline constexpr ttlv::Tag kTagPartition{0x540054};
inline constexpr ttlv::Tag kTagConfirmation{0x540055};
inline constexpr ttlv::Tag kTagConfirmedRequest{0x540056};

// Key answer
inline constexpr ttlv::Tag kTagIdentifiedKey{0x540070};
inline constexpr ttlv::Tag kTagKeyCheckValue{0x540071};
inline constexpr ttlv::Tag kTagResolvedLabel{0x540072};
inline constexpr ttlv::Tag kTagMayAppend{0x540073};
inline constexpr ttlv::Tag kTagLedger{0x540074};
inline constexpr ttlv::Tag kTagLedgerServer{0x540075};
inline constexpr ttlv::Tag kTagLedgerSequence{0x540076};

// Refusal
inline constexpr ttlv::Tag kTagErrorCode{0x540080};
inline constexpr ttlv::Tag kTagOrigin{0x540081};
inline constexpr ttlv::Tag kTagErrorMessage{0x540082};
inline constexpr ttlv::Tag kTagErrorField{0x540083};
inline constexpr ttlv::Tag kTagOperatorAction{0x540084};
inline constexpr ttlv::Tag kTagRetryReason{0x540085};
inline constexpr ttlv::Tag kTagNextNonce{0x540086};  // also in key and confirm answers

// The name of any tag of dkx/ or eedk/, for error texts.
std::string_view tag_name(ttlv::Tag tag);

}  // namespace tapewarden::dkx
