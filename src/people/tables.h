// The people's tables in the locked database. Whoever opens a keystore that People uses adds these to
// KeystoreOptions::tables.
#pragma once

#include <vector>

#include "store/schema.h"

namespace tapewarden::people {

// Columns of `people`, in order.
enum class PeopleColumn : std::size_t {
  kName,      // canonical, lower case
  kRole,      // Role as integer
  kDisabled,  // 0 or 1
  kSalt,      // scrypt salt; empty without password
  kVerifier,  // sealed scrypt output; empty without password
  kScryptN,   // the cost with which the verifier was made
  kScryptR,
  kScryptP,
  kFingerprint,      // SHA-256 of the client certificate's DER; empty without one
  kCreated,          // milliseconds since 1970
  kPasswordChanged,  // milliseconds since 1970; 0 without password
  kGeneration,       // grows with each change that must end the person's sessions
};

// Columns of `approval`, in order.
enum class ApprovalColumn : std::size_t {
  kId,
  kServer,      // id of the server where it was asked
  kServerName,  // its name, for people
  kRequest,
  kDigest,
  kSummary,
  kAsker,
  kAskerGeneration,  // PeopleColumn::kGeneration of the asker's account when he asked
  kDecider,
  kDeciderGeneration,
  kState,  // ApprovalState as integer
  kReason,
  kAsked,  // milliseconds since 1970, as the following
  kExpires,
  kDecided,
  kUsed,
};

const store::TableSpec& people_table();
const store::TableSpec& approval_table();

// All of people/.
std::vector<const store::TableSpec*> tables();

}  // namespace tapewarden::people
