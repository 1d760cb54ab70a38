// `migrate kmip`, beside the other ways to migrate (noun_migrate.cc).
#pragma once

#include "cli/command.h"

namespace tapewarden::cli {

Command migrate_kmip_command();

}  // namespace tapewarden::cli
