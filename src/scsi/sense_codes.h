// The sense codes that this program sends or acts on. From SPC-4 and SSC-4 annexes; EEh and EFh are IBM's for
// the external key service (as read by LTFS' ibm_tape.c). Each has its text in sense.cc.
#pragma once

#include "scsi/sense.h"

namespace tapewarden::scsi::sense_codes {

using enum SenseKey;

inline constexpr SenseCode kNone{kNoSense, 0x00, 0x00};
inline constexpr SenseCode kFilemarkDetected{kNoSense, 0x00, 0x01};
inline constexpr SenseCode kEndOfMediumReached{kNoSense, 0x00, 0x02};  // early warning
inline constexpr SenseCode kBeginningOfMediumReached{kNoSense, 0x00, 0x04};
inline constexpr SenseCode kProgrammableEarlyWarning{kNoSense, 0x00, 0x07};
inline constexpr SenseCode kEndOfDataDetected{kBlankCheck, 0x00, 0x05};
inline constexpr SenseCode kVolumeFull{kVolumeOverflow, 0x00, 0x02};
inline constexpr SenseCode kEraseFailure{kMediumError, 0x51, 0x00};

inline constexpr SenseCode kNotReadyLoading{kNotReady, 0x04, 0x01};
inline constexpr SenseCode kInitializingCommandRequired{kNotReady, 0x04, 0x02};
inline constexpr SenseCode kUnitOffline{kNotReady, 0x04, 0x12};
inline constexpr SenseCode kMediumNotPresent{kNotReady, 0x3a, 0x00};

inline constexpr SenseCode kWriteError{kMediumError, 0x0c, 0x00};
inline constexpr SenseCode kUnrecoveredReadError{kMediumError, 0x11, 0x00};
inline constexpr SenseCode kIncompatibleFormat{kMediumError, 0x30, 0x02};
inline constexpr SenseCode kMediumFormatCorrupted{kMediumError, 0x31, 0x00};
inline constexpr SenseCode kFormatFailed{kMediumError, 0x31, 0x01};
inline constexpr SenseCode kSequentialPositioningError{kMediumError, 0x3b, 0x00};
inline constexpr SenseCode kDecryptFailure{kMediumError, 0xee, 0xd0};
inline constexpr SenseCode kInternalTargetFailure{kHardwareError, 0x44, 0x00};
inline constexpr SenseCode kCartridgeMemoryFailure{kMediumError, 0x52, 0x00};

inline constexpr SenseCode kParameterListLengthError{kIllegalRequest, 0x1a, 0x00};
inline constexpr SenseCode kInvalidOpcode{kIllegalRequest, 0x20, 0x00};
inline constexpr SenseCode kNotInAppendOnlyMode{kIllegalRequest, 0x20, 0x0c};
inline constexpr SenseCode kInvalidFieldInCdb{kIllegalRequest, 0x24, 0x00};
inline constexpr SenseCode kLogicalUnitNotSupported{kIllegalRequest, 0x25, 0x00};
inline constexpr SenseCode kInvalidFieldInParameters{kIllegalRequest, 0x26, 0x00};
inline constexpr SenseCode kKeyFailLimitReached{kIllegalRequest, 0x26, 0x10};
inline constexpr SenseCode kIncompleteKadSet{kIllegalRequest, 0x26, 0x11};
inline constexpr SenseCode kInvalidRelease{kIllegalRequest, 0x26, 0x04};
inline constexpr SenseCode kCommandSequenceError{kIllegalRequest, 0x2c, 0x00};
inline constexpr SenseCode kSavingNotSupported{kIllegalRequest, 0x39, 0x00};
inline constexpr SenseCode kSequentialPositioningRefused{kIllegalRequest, 0x3b, 0x00};
inline constexpr SenseCode kPositionPastBeginning{kIllegalRequest, 0x3b, 0x0c};
inline constexpr SenseCode kMediumRemovalPrevented{kIllegalRequest, 0x53, 0x02};
inline constexpr SenseCode kNoRegistrationResources{kIllegalRequest, 0x55, 0x04};
inline constexpr SenseCode kParameterListUndecryptable{kIllegalRequest, 0x74, 0x0c};
inline constexpr SenseCode kIncorrectEncryptionParameters{kIllegalRequest, 0x74, 0x0b};
inline constexpr SenseCode kAlgorithmDisabled{kIllegalRequest, 0x74, 0x0d};
inline constexpr SenseCode kKeyAnswerIncorrect{kIllegalRequest, 0xee, 0x2b};
inline constexpr SenseCode kKeyExchangeOutOfSequence{kIllegalRequest, 0xee, 0x2d};
inline constexpr SenseCode kKeyExchangeUnknown{kIllegalRequest, 0xee, 0x31};

inline constexpr SenseCode kMediumMayHaveChanged{kUnitAttention, 0x28, 0x00};
inline constexpr SenseCode kPowerOn{kUnitAttention, 0x29, 0x00};
inline constexpr SenseCode kBusDeviceReset{kUnitAttention, 0x29, 0x03};
inline constexpr SenseCode kModeParametersChanged{kUnitAttention, 0x2a, 0x01};
inline constexpr SenseCode kLogParametersChanged{kUnitAttention, 0x2a, 0x02};
inline constexpr SenseCode kReservationsPreempted{kUnitAttention, 0x2a, 0x03};
inline constexpr SenseCode kReservationsReleased{kUnitAttention, 0x2a, 0x04};
inline constexpr SenseCode kRegistrationsPreempted{kUnitAttention, 0x2a, 0x05};
inline constexpr SenseCode kTimestampChanged{kUnitAttention, 0x2a, 0x10};
inline constexpr SenseCode kEncryptionCapabilitiesChanged{kUnitAttention, 0x2a, 0x0d};
inline constexpr SenseCode kEncryptionParametersChanged{kUnitAttention, 0x2a, 0x11};
inline constexpr SenseCode kEncryptionParametersChangedByVendor{kUnitAttention, 0x2a, 0x12};
inline constexpr SenseCode kKeyInstanceCounterChanged{kUnitAttention, 0x2a, 0x13};
inline constexpr SenseCode kKeyChanged{kUnitAttention, 0xee, 0x12};

inline constexpr SenseCode kWriteProtected{kDataProtect, 0x27, 0x00};
inline constexpr SenseCode kWormOverwrite{kDataProtect, 0x30, 0x0c};
inline constexpr SenseCode kWriteAppendPosition{kDataProtect, 0x50, 0x01};
inline constexpr SenseCode kIncompatibleMedium{kNotReady, 0x30, 0x00};
inline constexpr SenseCode kUnableToDecrypt{kDataProtect, 0x74, 0x01};
inline constexpr SenseCode kClearWhileDecrypting{kDataProtect, 0x74, 0x02};
inline constexpr SenseCode kIncorrectKey{kDataProtect, 0x74, 0x03};
inline constexpr SenseCode kIntegrityFailed{kDataProtect, 0x74, 0x04};
inline constexpr SenseCode kErrorDecrypting{kDataProtect, 0x74, 0x05};
inline constexpr SenseCode kParametersNotUsable{kDataProtect, 0x74, 0x07};
inline constexpr SenseCode kEncryptionModeMismatch{kDataProtect, 0x74, 0x09};
inline constexpr SenseCode kNotEnabledForRawRead{kDataProtect, 0x74, 0x0a};
inline constexpr SenseCode kConfigurationPrevented{kDataProtect, 0x74, 0x21};
inline constexpr SenseCode kKeyManagerAccessError{kDataProtect, 0x74, 0x61};
inline constexpr SenseCode kKeyManagerError{kDataProtect, 0x74, 0x62};
inline constexpr SenseCode kKeyNotFound{kDataProtect, 0x74, 0x63};
inline constexpr SenseCode kKeyRequestUnauthorized{kDataProtect, 0x74, 0x64};
inline constexpr SenseCode kKeyManagerTimeout{kDataProtect, 0x74, 0x6e};
inline constexpr SenseCode kKeyServiceTimeout{kDataProtect, 0xee, 0x0e};
inline constexpr SenseCode kKeyServiceFailure{kDataProtect, 0xee, 0x0f};
inline constexpr SenseCode kKeyRequired{kDataProtect, 0xef, 0x10};
inline constexpr SenseCode kKeyGenerationNeeded{kDataProtect, 0xef, 0x11};
inline constexpr SenseCode kKeyTranslationNeeded{kDataProtect, 0xef, 0x13};

// Of a medium changer (SMC-3; texts of SPC-4 annex F).
inline constexpr SenseCode kElementLoadFailed{kHardwareError, 0x53, 0x09};
inline constexpr SenseCode kElementEjectFailed{kHardwareError, 0x53, 0x0c};
inline constexpr SenseCode kElementStatusUnknown{kHardwareError, 0x53, 0x08};
inline constexpr SenseCode kInvalidElementAddress{kIllegalRequest, 0x21, 0x01};
inline constexpr SenseCode kCartridgeDoesNotFit{kIllegalRequest, 0x30, 0x00};
inline constexpr SenseCode kDestinationFull{kIllegalRequest, 0x3b, 0x0d};
inline constexpr SenseCode kSourceEmpty{kIllegalRequest, 0x3b, 0x0e};
inline constexpr SenseCode kRemovalPreventedByDrive{kIllegalRequest, 0x53, 0x03};
inline constexpr SenseCode kImportExportAccessed{kUnitAttention, 0x28, 0x01};

inline constexpr SenseCode kTransferTooShort{kAbortedCommand, 0x0e, 0x01};
inline constexpr SenseCode kBlockGuardCheckFailed{kAbortedCommand, 0x10, 0x01};
inline constexpr SenseCode kMiscompared{kMiscompare, 0x1d, 0x00};

}  // namespace tapewarden::scsi::sense_codes
