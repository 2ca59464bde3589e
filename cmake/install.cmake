# What `make install` puts where: the C header, libscabbard.so, the executable and the plugin. The plugin has
# a folder to itself, because damocles loads every .so of the folder it is given.
include(GNUInstallDirs)
install(TARGETS scabbard_executable RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(TARGETS scabbard_shared LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(FILES ${PROJECT_SOURCE_DIR}/include/scabbard/scabbard.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/scabbard)
install(PROGRAMS ${SCABBARD_OUTPUT_DIR}/plugin-scabbard.so DESTINATION ${CMAKE_INSTALL_LIBDIR}/scabbard/plugins)
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
