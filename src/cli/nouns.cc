#include "cli/nouns.h"

namespace tapewarden::cli {

const std::vector<Command>& all_commands() {
  static const std::vector<Command> commands = [] {
    std::vector<Command> all;
    for (const auto& make : {session_commands,
                             status_commands,
                             server_commands,
                             drive_table_commands,
                             key_commands,
                             group_commands,
                             kek_commands,
                             access_commands,
                             kmip_commands,
                             ledger_commands,
                             audit_commands,
                             backup_commands,
                             recoverability_commands,
                             partner_commands,
                             people_commands,
                             approval_commands,
                             key_life_commands,
                             quota_commands,
                             setting_commands,
                             migrate_commands,
                             cartridge_commands,
                             tape_commands,
                             drive_commands,
                             library_commands,
                             library_panel_commands,
                             engine_commands,
                             pool_commands,
                             pool_migration_commands,
                             pool_rekey_commands,
                             volume_commands,
                             physical_volume_commands,
                             notice_commands,
                             report_commands,
                             host_drive_commands,
                             physical_drive_commands,
                             completion_commands}) {
      auto some = make();
      all.insert(all.end(), std::make_move_iterator(some.begin()), std::make_move_iterator(some.end()));
    }
    return all;
  }();
  return commands;
}

}  // namespace tapewarden::cli
