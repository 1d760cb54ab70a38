// The commands of each noun, and all of them. One file a noun.
#pragma once

#include <vector>

#include "cli/command.h"

namespace tapewarden::cli {

std::vector<Command> session_commands();  // login, logout, whoami
std::vector<Command> status_commands();   // status, check-labels
std::vector<Command> server_commands();   // server
std::vector<Command> drive_table_commands();
std::vector<Command> key_commands();
std::vector<Command> group_commands();
std::vector<Command> kek_commands();
std::vector<Command> access_commands();  // access, proxy
std::vector<Command> kmip_commands();
std::vector<Command> ledger_commands();
std::vector<Command> recoverability_commands();
std::vector<Command> migrate_commands();
std::vector<Command> pool_migration_commands();
std::vector<Command> audit_commands();
std::vector<Command> backup_commands();
std::vector<Command> partner_commands();  // partner; key export, import, transfers
std::vector<Command> people_commands();
std::vector<Command> approval_commands();
std::vector<Command> key_life_commands();
std::vector<Command> quota_commands();
std::vector<Command> setting_commands();
std::vector<Command> cartridge_commands();
std::vector<Command> tape_commands();
std::vector<Command> drive_commands();
std::vector<Command> library_commands();
std::vector<Command> library_panel_commands();  // library, while it is served
std::vector<Command> engine_commands();
std::vector<Command> tape_engine_commands();  // engine, before it runs; among engine_commands()
std::vector<Command> pool_commands();         // pool, storage-group, management-class
std::vector<Command> pool_rekey_commands();
std::vector<Command> volume_commands();  // logical volumes
std::vector<Command> physical_volume_commands();
std::vector<Command> notice_commands();  // intervention, engine messages, trace
std::vector<Command> report_commands();  // of the tape engine; and its statistics
std::vector<Command> physical_drive_commands();
std::vector<Command> host_drive_commands();  // drive show, load-key, clear-key
std::vector<Command> completion_commands();

// In the order of the page in docs/.
const std::vector<Command>& all_commands();

}  // namespace tapewarden::cli
