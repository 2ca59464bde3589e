# What `cmake --install` (and `make install`) puts where. Nothing that is installed names its prefix, so the whole may
# be moved.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

install(TARGETS scabbard_executable RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})

# The library: headers, both kinds, and how CMake and pkg-config find them.
set(package ${CMAKE_INSTALL_LIBDIR}/cmake/scabbard)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/scabbard DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(TARGETS scabbard_shared scabbard_static EXPORT scabbard
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
  INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT scabbard NAMESPACE scabbard:: FILE scabbard-targets.cmake DESTINATION ${package})
configure_package_config_file(cmake/scabbard-config.cmake.in scabbard-config.cmake INSTALL_DESTINATION ${package}
  NO_SET_AND_CHECK_MACRO)
# Before 1.0 a minor release may change the C++ interface.
write_basic_package_version_file(scabbard-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/scabbard-config.cmake ${PROJECT_BINARY_DIR}/scabbard-config-version.cmake
  DESTINATION ${package})
file(RELATIVE_PATH prefix_from_pkgconfig ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
configure_file(cmake/scabbard.pc.in scabbard.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/scabbard.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

# What the executable says about itself.
set(page ${PROJECT_BINARY_DIR}/scabbard.1)
set(bash_completion ${PROJECT_BINARY_DIR}/completion.bash)
set(zsh_completion ${PROJECT_BINARY_DIR}/completion.zsh)
set(fish_completion ${PROJECT_BINARY_DIR}/completion.fish)
add_custom_command(OUTPUT ${page} ${bash_completion} ${zsh_completion} ${fish_completion}
  COMMAND scabbard_executable help man >${page}
  COMMAND scabbard_executable help completion bash >${bash_completion}
  COMMAND scabbard_executable help completion zsh >${zsh_completion}
  COMMAND scabbard_executable help completion fish >${fish_completion}
  DEPENDS scabbard_executable
  COMMENT "Writing the manual page and the completions")
add_custom_target(scabbard_manual ALL DEPENDS ${page} ${bash_completion} ${zsh_completion} ${fish_completion})
install(FILES ${page} DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES ${bash_completion} DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME scabbard)
install(FILES ${zsh_completion} DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions RENAME _scabbard)
install(FILES ${fish_completion} DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d RENAME scabbard.fish)

# Go builds the plugins, after the core. They have a folder to themselves, because damocles loads every .so of the one
# that it is given.
if(SCABBARD_PLUGIN_ARCHIVE)
  set(plugins ${SCABBARD_OUTPUT_DIR}/plugin-scabbard.so ${SCABBARD_OUTPUT_DIR}/plugin-fsstore.so)
  install(CODE "
    foreach(plugin ${plugins})
      if(NOT EXISTS \"\${plugin}\")
        message(FATAL_ERROR \"\${plugin} is not built yet: run 'make build' first\")
      endif()
    endforeach()")
  install(PROGRAMS ${plugins} DESTINATION ${CMAKE_INSTALL_LIBDIR}/scabbard/plugins)
endif()
