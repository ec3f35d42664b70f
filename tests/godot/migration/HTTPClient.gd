# A script whose file has the class's name: its path is no use of the class.
const HOST := "127.0.0.1"
